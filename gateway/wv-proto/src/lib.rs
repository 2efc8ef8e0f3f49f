//! Wireless Village / OMA IMPS: codecs and session machines, without IO.
