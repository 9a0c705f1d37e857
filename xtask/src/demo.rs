//! `cargo xtask demo`: three instances, a balancer in front and a PostgreSQL of their own, for a person to play with.
//!
//! Everything is gone with us: what is started here has a guard, and the temporary directories too.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

use testbed::balancer::Balancer;
use testbed::guard::{Directory, Guarded};
use testbed::postgres::Cluster;

use crate::need;
use crate::run::{Outcome, cargo, to_end};

/// How many instances there are.
const INSTANCES: usize = 3;
/// Letters that are not taken for each other. 32 of them: 5 bits each.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Starts it all, says what to try, and does what is typed until it is told to stop.
pub(crate) fn run() -> Outcome {
    need::postgres()?;
    need::daemon("haproxy", "it shares the work over the instances")?;
    to_end(&mut cargo("build --package cloakroom-server --locked".split(' ')))?;
    let mut demo = Demo::start().map_err(|error| format!("the demo cannot start: {error}"))?;
    println!("{}", demo.greeting());
    for line in io::stdin().lines() {
        let line = line.map_err(|error| format!("cannot read: {error}"))?;
        let words: Vec<_> = line.split_whitespace().collect();
        match demo.obey(&words) {
            Ok(Next::Go(said)) => println!("{said}"),
            Ok(Next::Stop) => return Ok(()),
            Err(error) => println!("that failed: {error}"),
        }
    }
    // Nobody types: until Ctrl-C.
    loop {
        std::thread::park();
    }
}

/// Fields are dropped in this order: what asks before what is asked.
struct Demo {
    balancer: Balancer,
    instances: Vec<Instance>,
    cluster: Cluster,
    password: String,
    place: Directory,
}

struct Instance {
    /// `None` while it is stopped.
    process: Option<Guarded>,
    address: String,
}

/// What comes after a line was obeyed.
enum Next {
    Go(String),
    Stop,
}

impl Demo {
    fn start() -> io::Result<Self> {
        let place = Directory::new("cloakroom-demo-")?;
        let cluster = Cluster::start()?;
        let password = new_password()?;
        let url = cluster.url("postgres");
        command(&place, &url, &["migrate", "up"], "")?;
        command(&place, &url, &["account", "add", "ada", "--admin", "--password-stdin"], &password)?;
        let instances = (0..INSTANCES).map(|number| Instance::start(&place, &url, number, "127.0.0.1:0"));
        let instances = instances.collect::<io::Result<Vec<_>>>()?;
        let balancer = Balancer::over(instances.iter().map(|instance| instance.address.as_str()))?;
        Ok(Self { balancer, instances, cluster, password, place })
    }

    fn greeting(&self) -> String {
        let instances: Vec<_> = (1..)
            .zip(&self.instances)
            .map(|(number, instance)| format!("  instance {number}   http://{}/", instance.address))
            .collect();
        format!(
            "
  balancer     http://{balancer}/
{instances}
  login name   ada
  password     {password}
  logs         {logs}

Browsers do not tell ports apart: who is logged in at the balancer is logged in at every instance. Try:

  1. Log in at the balancer and open the account page of each instance.
  2. Sign out at one of them and reload the others: they know.
  3. Log in again and delete the row behind everybody's back, then reload any:
       psql {url} -c 'DELETE FROM sessions'
  4. Take something away, reload, and give it back. Type here:
       kill 1           instance 1 is killed; the others go on, nobody is logged out
       start 1          and is back, at the same address
       database stop    503 everywhere, and the cookie is kept
       database start   everybody is still logged in, within two seconds
  5. Ctrl-C, or `quit`, removes everything.
",
            balancer = self.balancer.address(),
            instances = instances.join("\n"),
            password = self.password,
            logs = self.place.path().display(),
            url = self.cluster.url("postgres"),
        )
    }

    fn obey(&mut self, words: &[&str]) -> io::Result<Next> {
        let said = match words {
            ["quit"] => return Ok(Next::Stop),
            ["database", "stop"] => {
                self.cluster.stop("fast")?;
                "the database is stopped".to_owned()
            }
            ["database", "start"] => {
                self.cluster.start_server()?;
                "the database is back".to_owned()
            }
            [what @ ("kill" | "start"), number] => self.kill_or_start(what, number)?,
            [] => String::new(),
            _ => format!(
                "`kill N` or `start N` with N from 1 to {INSTANCES}, `database stop` or `database start`, `quit`"
            ),
        };
        Ok(Next::Go(said))
    }

    fn kill_or_start(&mut self, what: &str, number: &str) -> io::Result<String> {
        let chosen = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let Some((at, instance)) = chosen.and_then(|at| Some((at, self.instances.get_mut(at)?))) else {
            return Ok(format!("there is no instance `{number}`: they are 1 to {INSTANCES}"));
        };
        if what == "kill" {
            instance.process = None; // which kills it
            return Ok(format!("instance {number} is killed"));
        }
        if instance.process.is_none() {
            *instance = Instance::start(&self.place, &self.cluster.url("postgres"), at, &instance.address)?;
        }
        Ok(format!("instance {number} serves http://{}/", instance.address))
    }
}

impl Instance {
    /// Starts one and waits until it says where it serves.
    fn start(place: &Directory, url: &str, number: usize, listen: &str) -> io::Result<Self> {
        let log = place.path().join(format!("instance-{}.log", number + 1));
        let log = File::options().create(true).append(true).open(log)?;
        let mut serve = cloakroom(place, url, &["serve", "--listen", listen])?;
        let mut process = Guarded::start(serve.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log))?;
        let mut greeting = String::new();
        if let Some(output) = process.child().stdout.take() {
            BufReader::new(output).read_line(&mut greeting)?;
        }
        let (_, address) = greeting.trim().split_once("http://").ok_or_else(|| {
            io::Error::other(format!("instance {} does not start: {}", number + 1, place.path().display()))
        })?;
        Ok(Self { address: address.to_owned(), process: Some(process) })
    }
}

/// Runs a command of the server to its end.
fn command(place: &Directory, url: &str, arguments: &[&str], input: &str) -> io::Result<()> {
    let mut command = cloakroom(place, url, arguments)?;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() { Ok(()) } else { Err(io::Error::other(String::from_utf8_lossy(&output.stderr))) }
}

/// The server that was just built: it lies beside this program.
fn cloakroom(place: &Directory, url: &str, arguments: &[&str]) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name("cloakroom"));
    command.args(arguments).current_dir(place.path());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLOAKROOM_")) {
        command.env_remove(name);
    }
    command.env("CLOAKROOM_DATABASE__URL", url);
    Ok(command)
}

/// Sixteen letters out of the system's generator: 80 bits.
fn new_password() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let letters =
        bytes.map(|byte| LETTERS.get(usize::from(byte) % LETTERS.len()).map_or('a', |letter| char::from(*letter)));
    Ok(letters.iter().collect())
}
