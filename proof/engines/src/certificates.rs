//! Owns an authority and the certificate that it gave a server on loopback. Never keeps them
//! longer than the server.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::Outcome;

/// Writes `authority.pem`, `server.pem` and `server.key` into a folder.
pub(crate) fn write(folder: &Path) -> Outcome<()> {
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Two names: a certificate whose issuer has its own name counts as one that signed itself.
    authority.distinguished_name.push(DnType::CommonName, "authority");
    let authority_key = KeyPair::generate()?;
    fs::write(folder.join("authority.pem"), authority.self_signed(&authority_key)?.pem())?;
    let issuer = Issuer::new(authority, authority_key);
    let server_key = KeyPair::generate()?;
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name.push(DnType::CommonName, "server");
    let server = server.signed_by(&server_key, &issuer)?;
    fs::write(folder.join("server.pem"), server.pem())?;
    fs::write(folder.join("server.key"), server_key.serialize_pem())?;
    Ok(())
}
