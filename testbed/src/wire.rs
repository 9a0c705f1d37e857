//! A wire between a server and its database: passes bytes on until a test cuts, freezes, slows or redirects it.
//!
//! Outages come from here and not from a mock: what the server meets is what the kernel tells it.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How the wire treats what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    /// Connections are made and bytes passed on.
    Open,
    /// Connections are closed as soon as they come.
    Refused,
    /// Connections are taken, and nothing on them is ever answered.
    Frozen,
    /// Every piece arrives this much later.
    Slow(Duration),
}

/// A listener in front of a port of this machine. Closed when dropped, with everything on it.
#[derive(Debug)]
pub struct Wire {
    port: u16,
    shared: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    passage: Passage,
    target: u16,
    attempts: u64,
    /// How often something was cut, frozen or redirected: a connection that was being made meanwhile is not made.
    changes: u64,
    connections: HashMap<u64, Connection>,
    most_connections: usize,
    /// Where in the answers a connection is cut.
    cut: Option<Cut>,
    is_over: bool,
}

/// A place in what the database answers.
#[derive(Debug)]
enum Cut {
    /// After so many more bytes, on whatever connections.
    After(usize),
    /// Before these bytes, where one piece holds them, after so many times that they may pass.
    Before(&'static [u8], usize),
}

impl Cut {
    /// How much of the piece still gets through, if the place is in it.
    fn within(&mut self, piece: &[u8]) -> Option<usize> {
        match self {
            Self::After(left) if *left < piece.len() => Some(*left),
            Self::After(left) => {
                *left -= piece.len();
                None
            }
            Self::Before(bytes, passes) => {
                let mut found = piece.windows(bytes.len()).enumerate().filter(|(_, window)| window == bytes);
                loop {
                    let (at, _) = found.next()?;
                    match passes.checked_sub(1) {
                        Some(left) => *passes = left,
                        None => return Some(at),
                    }
                }
            }
        }
    }
}

/// Handles to close it by. Reading and writing is done by its two threads.
#[derive(Debug)]
struct Connection {
    ends: Vec<TcpStream>,
    /// Was open when the wire froze: nobody hears of it again, whatever the wire does later.
    is_lost: bool,
}

impl Wire {
    /// Lays a wire to `target`, a port on 127.0.0.1.
    ///
    /// # Errors
    /// When no port is free.
    pub fn to(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let state = State {
            passage: Passage::Open,
            target,
            attempts: 0,
            changes: 0,
            connections: HashMap::new(),
            most_connections: 0,
            cut: None,
            is_over: false,
        };
        let shared = Arc::new(Mutex::new(state));
        let taken = Arc::clone(&shared);
        thread::Builder::new().name("wire".into()).spawn(move || take(&listener, &taken))?;
        Ok(Self { port, shared })
    }

    /// The port it listens on, on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Passes everything again. What was cut or frozen stays lost; new connections are like the first.
    pub fn pass(&self) {
        self.state().passage = Passage::Open;
    }

    /// Cuts every connection, once. New ones are treated as before.
    pub fn cut(&self) {
        self.state().cut_all();
    }

    /// Cuts every connection and closes new ones as soon as they come.
    pub fn refuse(&self) {
        let mut state = self.state();
        state.passage = Passage::Refused;
        state.cut_all();
    }

    /// Swallows whatever comes from either side, on new connections too: nobody is told that the other is gone.
    pub fn freeze(&self) {
        let mut state = self.state();
        state.passage = Passage::Frozen;
        state.changes += 1;
        for connection in state.connections.values_mut() {
            connection.is_lost = true;
        }
    }

    /// Delivers every piece this much later, in both directions.
    pub fn delay(&self, by: Duration) {
        self.state().passage = Passage::Slow(by);
    }

    /// Cuts a connection in the middle of what the database answers: after this many more bytes of answers on the wire.
    pub fn cut_answer_after(&self, bytes: usize) {
        self.state().cut = Some(Cut::After(bytes));
    }

    /// Cuts a connection just before the database answers these bytes, such as the name of the command that is done.
    pub fn cut_answer_before(&self, bytes: &'static [u8]) {
        self.cut_answer_before_later(bytes, 0);
    }

    /// The same after so many times that they may pass.
    pub fn cut_answer_before_later(&self, bytes: &'static [u8], passes: usize) {
        self.state().cut = Some(Cut::Before(bytes, passes));
    }

    /// Whether what was asked for last was cut. From here on nothing is.
    pub fn was_cut(&self) -> bool {
        self.state().cut.take().is_none()
    }

    /// Leads new connections to another port, and cuts those to the old one.
    pub fn lead_to(&self, target: u16) {
        let mut state = self.state();
        state.target = target;
        state.cut_all();
    }

    /// How many connections were asked for so far.
    pub fn attempts(&self) -> u64 {
        self.state().attempts
    }

    /// How many connections there were at most at once, since this was asked last.
    pub fn most_connections(&self) -> usize {
        let mut state = self.state();
        let now = state.connections.len();
        std::mem::replace(&mut state.most_connections, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let mut state = self.state();
        state.is_over = true;
        state.cut_all();
        drop(state);
        // Wakes the thread that waits for the next connection.
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok();
    }
}

impl State {
    fn cut_all(&mut self) {
        self.changes += 1;
        for connection in self.connections.values() {
            connection.cut();
        }
    }
}

impl Connection {
    /// Both ends hear of it, and both threads.
    fn cut(&self) {
        for end in &self.ends {
            end.shutdown(Shutdown::Both).ok(); // one that is closed already is what we want
        }
    }
}

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes connections until the wire is over.
fn take(listener: &TcpListener, shared: &Arc<Mutex<State>>) {
    for (number, asker) in (0..).zip(listener.incoming()) {
        let mut state = lock(shared);
        if state.is_over {
            return;
        }
        state.attempts += 1;
        let (passage, target, changes) = (state.passage, state.target, state.changes);
        drop(state);
        let Ok(asker) = asker else { continue };
        // What is dropped on the way is closed: the asker hears that nobody is there.
        match passage {
            Passage::Refused => {}
            Passage::Frozen => drop(connect(number, &asker, None, shared, changes)),
            Passage::Open | Passage::Slow(_) => {
                let server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, target)));
                drop(server.and_then(|server| connect(number, &asker, Some(&server), shared, changes)));
            }
        }
    }
}

/// Notes the connection and starts its threads, if nothing has changed since `changes` was looked at.
fn connect(
    number: u64,
    asker: &TcpStream,
    server: Option<&TcpStream>,
    shared: &Arc<Mutex<State>>,
    changes: u64,
) -> io::Result<()> {
    let both = [Some(asker), server];
    let ends = both.iter().flatten().map(|end| end.try_clone()).collect::<io::Result<Vec<_>>>()?;
    for end in &ends {
        end.set_nodelay(true)?;
    }
    {
        let mut state = lock(shared);
        if state.changes != changes {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        state.connections.insert(number, Connection { ends, is_lost: server.is_none() });
        state.most_connections = state.most_connections.max(state.connections.len());
    }
    let pipe = |from: &TcpStream, to: Option<&TcpStream>, is_answer| -> io::Result<()> {
        let (from, to) = (from.try_clone()?, to.map(TcpStream::try_clone).transpose()?);
        let shared = Arc::clone(shared);
        let name = if is_answer { "wire-answers" } else { "wire-questions" };
        let work = move || Pipe { number, from, to, is_answer, shared }.pass_on();
        thread::Builder::new().name(name.into()).spawn(work).map(drop)
    };
    pipe(asker, server, false)?;
    server.map_or(Ok(()), |server| pipe(server, Some(asker), true))
}

/// One direction of a connection.
struct Pipe {
    number: u64,
    from: TcpStream,
    to: Option<TcpStream>,
    is_answer: bool,
    shared: Arc<Mutex<State>>,
}

impl Pipe {
    /// Passes bytes on until one end is gone, and takes the other end with it.
    fn pass_on(mut self) {
        let mut piece = [0; 8192];
        while let Ok(read @ 1..) = self.from.read(&mut piece) {
            if self.deliver(piece.get(..read).unwrap_or_default()).is_err() {
                break;
            }
        }
        if let Some(connection) = lock(&self.shared).connections.remove(&self.number) {
            connection.cut();
        }
    }

    fn deliver(&mut self, piece: &[u8]) -> io::Result<()> {
        let mut state = lock(&self.shared);
        let passage = state.passage;
        let is_lost = state.connections.get(&self.number).is_none_or(|connection| connection.is_lost);
        if is_lost {
            return Ok(());
        }
        let cut = state.cut.as_mut().filter(|_| self.is_answer).and_then(|cut| cut.within(piece));
        if cut.is_some() {
            state.cut = None;
        }
        drop(state);
        if let Passage::Slow(by) = passage {
            thread::sleep(by); // what a test asked for
        }
        if let Some(to) = &mut self.to {
            to.write_all(cut.and_then(|cut| piece.get(..cut)).unwrap_or(piece))?;
        }
        if cut.is_some() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_where_it_was_asked_for() {
        let mut after = Cut::After(5);
        assert_eq!((after.within(b"abc"), after.within(b"de"), after.within(b"fg")), (None, None, Some(0)));
        assert_eq!(Cut::After(0).within(b"a"), Some(0));
        assert_eq!(
            (Cut::Before(b"COMMIT", 0).within(b"SELECT"), Cut::Before(b"COM", 0).within(b"a COMMIT")),
            (None, Some(2))
        );
        let mut third = Cut::Before(b"a", 2);
        assert_eq!((third.within(b"xa"), third.within(b"aya")), (None, Some(2)));
    }

    #[test]
    fn a_connection_that_was_being_made_does_not_slip_through_a_change() {
        for change in [Wire::cut, Wire::freeze, Wire::refuse, |wire: &Wire| wire.lead_to(1)] {
            let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let wire = Wire::to(server.local_addr().unwrap().port()).unwrap();
            let dial = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            let (asker, to_server) =
                (dial(server.local_addr().unwrap().port()), dial(server.local_addr().unwrap().port()));
            let seen = lock(&wire.shared).changes;
            change(&wire);
            assert!(connect(9, &asker, Some(&to_server), &wire.shared, seen).is_err());
            assert_eq!(lock(&wire.shared).connections.len(), 0);
        }
    }

    #[test]
    fn what_is_lost_stays_lost_and_what_comes_later_passes() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let wire = Wire::to(server.local_addr().unwrap().port()).unwrap();
        let dial = || TcpStream::connect((Ipv4Addr::LOCALHOST, wire.port())).unwrap();
        let mut byte = [0];
        let (mut lost, mut answering) = (dial(), server.accept().unwrap().0);
        answering.write_all(b"x").unwrap();
        lost.read_exact(&mut byte).unwrap();
        wire.freeze();
        wire.pass();
        answering.write_all(b"y").unwrap();
        let (mut later, mut answering) = (dial(), server.accept().unwrap().0);
        answering.write_all(b"z").unwrap();
        later.read_exact(&mut byte).unwrap();
        lost.set_nonblocking(true).unwrap();
        assert_eq!((byte, lost.read(&mut byte).unwrap_err().kind()), (*b"z", io::ErrorKind::WouldBlock));
        wire.refuse();
        assert_eq!(later.read(&mut byte).unwrap_or(0), 0, "cut");
        assert_eq!(dial().read(&mut byte).unwrap_or(0), 0, "refused");
        assert_eq!(wire.attempts(), 3);
    }
}
