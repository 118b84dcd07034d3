//! Why TLS with the platform failed.

/// Why TLS failed, as far as the operator's next step depends on it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum TlsFault {
    /// No trusted authority has signed the certificate.
    Untrusted,
    /// The server sends the certificate of a certificate authority as its own.
    AuthorityAsServer,
    /// The certificate is for another host name.
    WrongName,
    /// The certificate has expired or is not valid yet.
    OutOfTime,
    /// Any other cause, such as no common version or a peer that does not speak TLS.
    Other,
}

impl TlsFault {
    /// What an operator can do about it, in one sentence.
    pub(super) fn next_step(self) -> &'static str {
        match self {
            Self::Untrusted => {
                "Add the certificate authority that signed the server's certificate, or the inspecting proxy's, to the trusted ones (`tls.ca_file`)."
            }
            Self::AuthorityAsServer => {
                "The server shows the certificate of a certificate authority as its own: have it use a certificate of its own that this authority signed, and trust the authority (`tls.ca_file`)."
            }
            Self::WrongName => {
                "Use the host name that the server's certificate is for in the base URL, or have the server use a certificate for this one."
            }
            Self::OutOfTime => {
                "Check this host's clock, then the dates of the server's certificate."
            }
            Self::Other => {
                "Check that the address and port are those of a TLS server, and whether a proxy or firewall on the way ends the session."
            }
        }
    }
}
