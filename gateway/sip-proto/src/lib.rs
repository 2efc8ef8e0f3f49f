//! SIP/SIMPLE: codecs, transactions, dialogs and event packages, without IO.
