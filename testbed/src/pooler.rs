//! A real pooler in front of a cluster: pgbouncer, on a socket in a directory of its own.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;

use crate::guard::{Directory, Guarded, daemon};
use crate::postgres::{Cluster, UNPRIVILEGED, is_root};

/// Part of the socket's name only: no port is taken.
const PORT: u16 = 6432;

/// A running pgbouncer. Killed when dropped.
#[derive(Debug)]
pub struct Pooler {
    dir: Directory,
    _process: Guarded,
}

impl Pooler {
    /// Starts one before `cluster`, in the mode `transaction` or `session`. Whoever connects is the superuser.
    ///
    /// # Errors
    /// When there is no pgbouncer, or it does not start.
    pub fn before(cluster: &Cluster, mode: &str) -> io::Result<Self> {
        let dir = Directory::new("cloakroom-pooler-")?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777))?;
        let (home, file) = (dir.path().display(), dir.path().join("pgbouncer.ini"));
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres password={}\n[pgbouncer]\npool_mode = {mode}\n\
             listen_port = {PORT}\nunix_socket_dir = {home}\nauth_type = any\nlogfile = {home}/log.txt\n\
             ignore_startup_parameters = extra_float_digits\n",
            cluster.port(),
            cluster.password(),
        );
        fs::write(&file, text)?;
        let mut command = if is_root()? {
            let mut command = Command::new("setpriv"); // becomes pgbouncer, so that what we kill is not its parent
            command.args(["--reuid", UNPRIVILEGED, "--regid", UNPRIVILEGED, "--init-groups"]);
            command.arg(daemon("pgbouncer").get_program());
            command
        } else {
            daemon("pgbouncer")
        };
        command.arg("--quiet").arg(&file).current_dir("/");
        let mut process = Guarded::start(command.stdin(Stdio::null()).stderr(Stdio::null())).map_err(|error| {
            io::Error::new(error.kind(), format!("pgbouncer: {error}; on Debian: apt-get install pgbouncer"))
        })?;
        while UnixStream::connect(dir.path().join(format!(".s.PGSQL.{PORT}"))).is_err() {
            if let Some(status) = process.child().try_wait()? {
                let said = fs::read_to_string(dir.path().join("log.txt")).unwrap_or_default();
                return Err(io::Error::other(format!("pgbouncer ended ({status}): {said}")));
            }
            thread::yield_now();
        }
        Ok(Self { dir, _process: process })
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        let directory = self.dir.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@localhost:{PORT}/{database}?host={directory}")
    }
}
