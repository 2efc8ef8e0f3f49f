//! What the tests share: processes, ports, corpus.
