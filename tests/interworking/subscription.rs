//! IWF-SUB
