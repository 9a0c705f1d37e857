//! A throwaway PostgreSQL cluster: its own directory, its own free port, gone with the process that started it.
//!
//! A shell waits at the other end of a pipe and stops the server when the pipe closes, so that not even a killed test
//! leaves one behind. PostgreSQL refuses to run as root: there it runs as the user `postgres`.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

/// The user PostgreSQL runs as where the tests run as root.
pub(crate) const UNPRIVILEGED: &str = "postgres";
/// How often another port is tried when somebody else was quicker.
const TRIES: u32 = 5;
/// No test needs to survive a power cut, and many connect at once.
const SETTINGS: &str = "fsync=off\nfull_page_writes=off\nmax_connections=300\nshared_buffers=64MB\n\
     max_wal_size=256MB\nlogging_collector=off\nautovacuum_naptime=5s\n";

/// A running server of its own.
#[derive(Debug)]
pub struct Cluster {
    dir: TempDir,
    bin: PathBuf,
    port: u16,
    password: String,
    guard: Option<Child>,
    schemas: AtomicU32,
}

impl Cluster {
    /// The one cluster of this process, started at first use.
    ///
    /// # Panics
    /// When there is no PostgreSQL, or it does not start: a test that needs one cannot go on.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "nothing a test could do without it")]
        SHARED.get_or_init(|| {
            Self::start().expect("a throwaway PostgreSQL cluster; on Debian: apt-get install postgresql")
        })
    }

    /// Makes and starts a cluster.
    ///
    /// # Errors
    /// When no PostgreSQL is installed, or it does not start.
    pub fn start() -> io::Result<Self> {
        let mut cluster = Self::in_new_directory()?;
        // Hard to guess, and of this run alone.
        cluster.password = cluster.dir.path().display().to_string().replace(|c: char| !c.is_ascii_alphanumeric(), "");
        cluster.make()?;
        cluster.on_free_port()
    }

    /// Makes and starts a standby of this cluster, which follows it until it is [promoted](Self::promote).
    ///
    /// # Errors
    /// When it cannot be copied, or does not start.
    pub fn standby(&self) -> io::Result<Self> {
        let mut standby = Self::in_new_directory()?;
        standby.password.clone_from(&self.password);
        fs::create_dir(standby.data())?;
        standby.hand_over()?;
        let mut copy = self.unprivileged("pg_basebackup")?;
        copy.args(["--username", "postgres", "--checkpoint", "fast", "--no-sync", "--write-recovery-conf"]);
        copy.arg("--host").arg(self.dir.path()).arg("--port").arg(self.port.to_string());
        succeeded(&copy.arg("--pgdata").arg(standby.data()).output()?)?;
        standby.on_free_port()
    }

    /// Makes a standby a server of its own, and waits until it is.
    ///
    /// # Errors
    /// When it is none.
    pub fn promote(&self) -> io::Result<()> {
        let mut promote = self.unprivileged("pg_ctl")?;
        promote.args(["promote", "--wait", "--silent", "--pgdata"]).arg(self.data());
        succeeded(&promote.output()?).map(drop)
    }

    fn in_new_directory() -> io::Result<Self> {
        let bin = binaries()?;
        let dir = tempfile::Builder::new().prefix("cloakroom-postgres-").tempdir()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        Ok(Self { dir, bin, port: 0, password: String::new(), guard: None, schemas: AtomicU32::new(0) })
    }

    fn on_free_port(mut self) -> io::Result<Self> {
        for tried in 1..=TRIES {
            self.port = free_port()?;
            match self.start_server() {
                Err(_) if tried < TRIES => {}
                done => {
                    done?;
                    break;
                }
            }
        }
        self.guard = Some(self.watch()?);
        Ok(self)
    }

    /// Gives the directory to the user PostgreSQL runs as. A data directory is its owner's alone.
    fn hand_over(&self) -> io::Result<()> {
        fs::set_permissions(self.data(), fs::Permissions::from_mode(0o700))?;
        if is_root()? {
            let owner = format!("{UNPRIVILEGED}:");
            succeeded(&Command::new("chown").args(["-R", &owner]).arg(self.dir.path()).output()?)?;
        }
        Ok(())
    }

    fn make(&self) -> io::Result<()> {
        let home = self.dir.path();
        let (data, pwfile) = (self.data(), home.join("password"));
        fs::write(&pwfile, &self.password)?;
        fs::create_dir(&data)?;
        self.hand_over()?;
        let mut initdb = self.unprivileged("initdb")?;
        initdb.arg("--pgdata").arg(&data).arg("--pwfile").arg(&pwfile);
        initdb.args(["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync"]);
        initdb.args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]);
        succeeded(&initdb.output()?)?;
        let config = data.join("postgresql.conf");
        let mut text = fs::read_to_string(&config)?;
        text.push_str(SETTINGS);
        fs::write(config, text)
    }

    /// Starts the server on the chosen port and waits until it answers. Also after [`stop`](Self::stop).
    ///
    /// # Errors
    /// When it does not start: the error holds its log.
    pub fn start_server(&self) -> io::Result<()> {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={}",
            self.port,
            self.dir.path().display()
        );
        let mut start = self.unprivileged("pg_ctl")?;
        start.args(["start", "--wait", "--silent", "--pgdata"]).arg(self.data()).arg("--log").arg(self.log());
        // The server inherits what it writes to: a pipe of ours would never close.
        let status = start.arg("--options").arg(options).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(fs::read_to_string(self.log()).unwrap_or_default()))
    }

    /// Stops the server: `smart` waits for everybody, `fast` ends every connection, `immediate` is a crash.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&self, mode: &str) -> io::Result<()> {
        let mut stop = self.unprivileged("pg_ctl")?;
        stop.args(["stop", "--wait", "--silent", "--mode", mode, "--pgdata"]).arg(self.data());
        succeeded(&stop.output()?).map(drop)
    }

    /// Stops the server when this process is gone; an interrupt from the terminal is for us, and does not end the shell.
    fn watch(&self) -> io::Result<Child> {
        let script = "cat >/dev/null; \"$1\" stop --silent --mode immediate --pgdata \"$2\"; rm -rf \"$3\"";
        let mut shell = if is_root()? { as_unprivileged("sh") } else { Command::new("sh") };
        shell.args(["-c", script, "sh"]).arg(self.bin.join("pg_ctl")).arg(self.data()).arg(self.dir.path());
        shell.current_dir("/").process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.data().join("server.log")
    }

    fn unprivileged(&self, program: &str) -> io::Result<Command> {
        let program = self.bin.join(program);
        let mut command = if is_root()? { as_unprivileged(program) } else { Command::new(program) };
        command.current_dir("/").stdin(Stdio::null());
        Ok(command)
    }

    /// The port it listens on, on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The superuser's password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The URL of a database on it, for the superuser.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// The URL of a new, empty schema in the database `postgres`: everything without a schema's name is looked for and
    /// made in there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn fresh_schema(&self) -> io::Result<Schema<'_>> {
        let name = format!("test_{}", self.schemas.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE SCHEMA {name}"))?;
        Ok(Schema { cluster: self, name })
    }

    /// Runs SQL from outside, as a person with psql would; returns what it prints, unaligned and without headings.
    ///
    /// # Errors
    /// What psql says when the SQL fails.
    pub fn psql(&self, database: &str, sql: &str) -> io::Result<String> {
        self.psql_in("public", database, sql)
    }

    /// One of PostgreSQL's own programs, such as `pg_dump`, that will ask this cluster as its superuser.
    pub fn program(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.args(["--username", "postgres", "--host"]).arg(self.dir.path());
        command.arg("--port").arg(self.port.to_string());
        command
    }

    fn psql_in(&self, schema: &str, database: &str, sql: &str) -> io::Result<String> {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        psql.args(["--username", "postgres", "--dbname", database, "--command", sql]);
        psql.arg("--host").arg(self.dir.path()).arg("--port").arg(self.port.to_string());
        psql.env("PGOPTIONS", format!("-c search_path={schema}")).current_dir("/");
        Ok(succeeded(&psql.output()?)?.trim_end().to_owned())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            drop(guard.stdin.take());
            drop(guard.wait());
        }
    }
}

/// A schema of its own for one test.
#[derive(Clone, Debug)]
pub struct Schema<'c> {
    cluster: &'c Cluster,
    name: String,
}

impl Schema<'_> {
    /// The URL that looks for and makes everything in this schema.
    pub fn url(&self) -> String {
        format!("{}?options=-c%20search_path%3D{}", self.cluster.url("postgres"), self.name)
    }

    /// The schema's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs SQL from outside, in this schema.
    ///
    /// # Errors
    /// What psql says when the SQL fails.
    pub fn psql(&self, sql: &str) -> io::Result<String> {
        self.cluster.psql_in(&self.name, "postgres", sql)
    }
}

/// Where the newest PostgreSQL's programs are: Debian keeps each version in its own directory, others in the path.
fn binaries() -> io::Result<PathBuf> {
    let version = |path: &Path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = debian.filter(|path| path.join("bin/initdb").exists()).max_by_key(|path| version(path));
    if let Some(newest) = newest {
        return Ok(newest.join("bin"));
    }
    let asked = Command::new("pg_config").arg("--bindir").output()?;
    Ok(PathBuf::from(succeeded(&asked)?.trim()))
}

pub(crate) fn is_root() -> io::Result<bool> {
    Ok(succeeded(&Command::new("id").arg("-u").output()?)?.trim() == "0")
}

fn as_unprivileged(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("runuser");
    command.args(["-u", UNPRIVILEGED, "--"]).arg(program);
    command
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn succeeded(output: &Output) -> io::Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}
