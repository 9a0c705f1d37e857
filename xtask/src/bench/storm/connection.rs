//! One connection that is kept: a request goes out, its answer comes back, and what matters of it is read.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take: longer than the server itself gives a request.
const ANSWER_MAX: Duration = Duration::from_mins(1);
const COOKIE: &str = "cloakroom";

/// A kept connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    address: String,
}

/// What matters of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Of the session cookie it sets.
    pub(super) token: Option<String>,
}

impl Connection {
    pub(super) fn open(address: &str) -> Result<Self, String> {
        let connect = || {
            let stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(ANSWER_MAX))?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = connect().map_err(|error: std::io::Error| format!("{address}: {error}"))?;
        Ok(Self { stream: BufReader::new(stream), address: address.to_owned() })
    }

    pub(super) fn get(&mut self, path: &str, token: &str) -> Result<Answer, String> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: {COOKIE}={token}\r\n\r\n", self.address);
        self.send(&request)
    }

    pub(super) fn post(&mut self, path: &str, json: &str) -> Result<Answer, String> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
            self.address,
            json.len()
        );
        self.send(&request)
    }

    fn send(&mut self, request: &str) -> Result<Answer, String> {
        let sent = self.stream.get_mut().write_all(request.as_bytes());
        let read = sent.and_then(|()| read(&mut self.stream));
        read.map_err(|error| format!("{}: {error}", self.address))
    }
}

fn read(stream: &mut impl std::io::BufRead) -> std::io::Result<Answer> {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut answer = Answer { status: status.ok_or_else(|| std::io::Error::other("no answer"))?, token: None };
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::Error::other("half an answer"));
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name {
            "content-length" => length = value.parse().unwrap_or(0),
            "set-cookie" => {
                let token = value.split(';').next().and_then(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('='));
                answer.token = token.map(str::to_owned);
            }
            _ => {}
        }
    }
    std::io::copy(&mut stream.take(length), &mut std::io::sink())?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_to_its_end_and_no_further() {
        let mut two = "HTTP/1.1 200 OK\r\nset-cookie: cloakroom=ck1_x; Path=/\r\ncontent-length: 2\r\n\r\n{}\
                       HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n\r\n"
            .as_bytes();
        assert_eq!(read(&mut two).unwrap(), Answer { status: 200, token: Some("ck1_x".to_owned()) });
        assert_eq!(read(&mut two).unwrap(), Answer { status: 503, token: None });
        assert!(read(&mut two).is_err());
    }
}
