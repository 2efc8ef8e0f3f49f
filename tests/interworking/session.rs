//! IWF-SES
