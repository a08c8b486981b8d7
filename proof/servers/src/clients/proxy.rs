//! Owns nginx and haproxy before a server, each of which appends the address of its client. Never
//! limits.

use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;

use super::kept::{Kept, free_address};
use super::tools;
use crate::Outcome;

/// A proxy that runs, until this is dropped. It connects from [`Proxy::ADDRESS`].
#[derive(Debug)]
pub struct Proxy {
    /// Where it appends `ADDRESS`.
    pub plain: SocketAddr,
    /// Where it appends `ADDRESS:PORT`.
    pub with_port: SocketAddr,
    _process: Kept,
}

impl Proxy {
    /// The address from which proxies connect to the server.
    pub const ADDRESS: &str = "127.0.0.2";

    /// Starts nginx before a server.
    ///
    /// # Errors
    ///
    /// If there is none, or it does not listen.
    pub fn nginx(server: SocketAddr) -> Outcome<Self> {
        let (plain, with_port) = (free_address()?, free_address()?);
        let folder = tools::folder().join(format!("nginx-{}", plain.port()));
        fs::create_dir_all(&folder)?;
        let file = folder.join("nginx.conf");
        fs::write(&file, nginx(server, plain, with_port, &folder.display().to_string()))?;
        let mut command = tools::command("nginx")?;
        command.arg("-c").arg(&file).arg("-e").arg(folder.join("error.log")).stdin(Stdio::null());
        Self::started(Kept(command.spawn()?), plain, with_port)
    }

    /// Starts haproxy before a server.
    ///
    /// # Errors
    ///
    /// If there is none, or it does not listen.
    pub fn haproxy(server: SocketAddr) -> Outcome<Self> {
        let (plain, with_port) = (free_address()?, free_address()?);
        let folder = tools::folder().join(format!("haproxy-{}", plain.port()));
        fs::create_dir_all(&folder)?;
        let file = folder.join("haproxy.cfg");
        fs::write(&file, haproxy(server, plain, with_port))?;
        let mut command = tools::command("haproxy")?;
        // One process, in the foreground.
        command.args(["-q", "-db", "-f"]).arg(&file).stdin(Stdio::null());
        Self::started(Kept(command.spawn()?), plain, with_port)
    }

    fn started(mut process: Kept, plain: SocketAddr, with_port: SocketAddr) -> Outcome<Self> {
        process.listens(plain)?;
        process.listens(with_port)?;
        Ok(Self { plain, with_port, _process: process })
    }
}

fn nginx(server: SocketAddr, plain: SocketAddr, with_port: SocketAddr, folder: &str) -> String {
    let source = Proxy::ADDRESS;
    let site = |listen: SocketAddr, appended: &str| {
        format!(
            "server {{ listen {listen}; location / {{
                proxy_pass http://{server};
                proxy_bind {source};
                proxy_set_header X-Forwarded-For \"{appended}\";
            }} }}"
        )
    };
    let (plain, with_port) =
        (site(plain, "$proxy_add_x_forwarded_for"), site(with_port, "$proxy_add_x_forwarded_for:$remote_port"));
    // One process: neither master nor workers, so nothing is left behind.
    format!(
        "daemon off;
master_process off;
pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {plain}
    {with_port}
}}
"
    )
}

fn haproxy(server: SocketAddr, plain: SocketAddr, with_port: SocketAddr) -> String {
    let source = Proxy::ADDRESS;
    format!(
        "global
    maxconn 64
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend plain
    bind {plain}
    option forwardfor
    default_backend servers
frontend with_port
    bind {with_port}
    http-request add-header X-Forwarded-For %[src]:%[src_port]
    default_backend servers
backend servers
    server one {server} source {source}
"
    )
}
