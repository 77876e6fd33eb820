//! Tilereader reads a log's checkpoint and tiles with the crates static_ct_api, tlog_tiles and signed_note and checks
//! all of it: both signatures, every tile, every entry's inclusion, consistency from many earlier sizes, every issuer.
//!
//!     tilereader http://HOST:PORT POLICY [PREFIX]
//!
//! PREFIX: a bit of each answer whose path begins so is flipped before anything reads it, which must be noticed.
use base64::prelude::*;
use p256::{ecdsa::VerifyingKey, pkcs8::DecodePublicKey};
use sha2::{Digest, Sha256};
use static_ct_api::{open_checkpoint, tile_path, TileIterator, TILE_HEIGHT, TILE_WIDTH};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};
use tlog_tiles::{
    check_record, check_tree, prove_record, prove_tree, record_hash, tree_hash, Error as TlogError, HashReader, Tile,
    TileHashReader, TileReader,
};

/// In the root of a checkpoint, in a leaf's certificate or issuer_key_hash, in a tile's first hash.
const CHANGED: usize = 30;

type Failure = Box<dyn std::error::Error>;

struct Log {
    address: String,
    changed: Option<String>,
    kept: RefCell<HashMap<String, Vec<u8>>>,
}

impl Log {
    fn get(&self, path: &str) -> Result<Vec<u8>, Failure> {
        if let Some(body) = self.kept.borrow().get(path) {
            return Ok(body.clone());
        }
        let mut stream = TcpStream::connect(&self.address)?;
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or("no head")? + 4;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        if !head.starts_with("HTTP/1.1 200 ") {
            return Err(format!("/{path}: {head}").into());
        }
        let mut body = answer.split_off(end);
        let length = head
            .lines()
            .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned))
            .ok_or("no length")?;
        if body.len() != length.parse::<usize>()? {
            return Err(format!("/{path}: {} bytes of {length}", body.len()).into());
        }
        if self.changed.as_ref().is_some_and(|prefix| path.starts_with(prefix)) {
            body[CHANGED] ^= 1;
        }
        self.kept.borrow_mut().insert(path.to_owned(), body.clone());
        Ok(body)
    }
}

impl TileReader for Log {
    fn height(&self) -> u8 {
        TILE_HEIGHT
    }
    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, TlogError> {
        let read = |t| self.get(&tile_path(t)).map_err(|e| TlogError::InvalidInput(e.to_string()));
        tiles.iter().map(read).collect()
    }
    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

struct Keys {
    origin: String,
    ct: VerifyingKey,
    note: ed25519_dalek::VerifyingKey,
}

/// Both keys: "log VKEY URL" and "#cartulary ct-key ORIGIN BASE64".
fn policy(path: &str) -> Result<Keys, Failure> {
    let (mut origin, mut ct, mut note) = (String::new(), None, None);
    for line in std::fs::read_to_string(path)?.lines() {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["log", vkey, ..] => {
                let key = BASE64_STANDARD.decode(vkey.splitn(3, '+').nth(2).ok_or("not a vkey")?)?;
                let key: &[u8; 32] = key.get(1..).ok_or("an empty key")?.try_into()?;
                note = Some(ed25519_dalek::VerifyingKey::from_bytes(key)?);
            }
            ["#cartulary", "ct-key", name, der] => {
                origin = name.to_owned();
                let der = BASE64_STANDARD.decode(der)?;
                ct = Some(VerifyingKey::from_public_key_der(&der).map_err(|e| e.to_string())?);
            }
            _ => {}
        }
    }
    Ok(Keys { origin, ct: ct.ok_or("no ct-key")?, note: note.ok_or("no log line")? })
}

fn entries<R: HashReader>(
    log: &Log,
    size: u64,
    root: tlog_tiles::Hash,
    hashes: &R,
) -> Result<BTreeSet<[u8; 32]>, Failure> {
    let mut issuers = BTreeSet::new();
    for start in (0..size).step_by(TILE_WIDTH as usize) {
        let width = (size - start).min(TILE_WIDTH.into()) as u32;
        let tile = Tile::new(TILE_HEIGHT, 0, start / u64::from(TILE_WIDTH), width, true);
        let bytes = log.get(&tile_path(&tile))?;
        let mut again = Vec::new();
        for (i, entry) in (start..).zip(TileIterator::new(bytes.clone(), width as usize)) {
            let entry = entry?;
            if entry.leaf_index != i {
                return Err(format!("entry {i} says index {}", entry.leaf_index).into());
            }
            let proof = prove_record(size, i, hashes)?;
            check_record(&proof, size, root, i, record_hash(&entry.merkle_tree_leaf()))?;
            again.extend(entry.tile_leaf());
            issuers.extend(entry.chain_fingerprints);
        }
        if again != bytes {
            return Err(format!("data tile {}: not what its entries make", tile.level_index()).into());
        }
    }
    Ok(issuers)
}

fn consistency<R: HashReader>(size: u64, root: tlog_tiles::Hash, hashes: &R) -> Result<u64, Failure> {
    let (mut old, mut sizes) = (1, 0);
    while old <= size {
        let proof = prove_tree(size, old, hashes)?;
        check_tree(&proof, size, root, old, tree_hash(old, hashes)?)?;
        sizes += 1;
        old += 1 + old / 16;
    }
    Ok(sizes)
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().collect();
    if args.len() < 3 {
        return Err("usage: tilereader http://HOST:PORT POLICY [PREFIX]".into());
    }
    let address = args[1].strip_prefix("http://").ok_or("not http")?.trim_end_matches('/').to_owned();
    let log = Log { address, changed: args.get(3).cloned(), kept: RefCell::default() };
    let keys = policy(&args[2])?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let (head, _) = open_checkpoint(&keys.origin, &keys.ct, &keys.note, now, &log.get("checkpoint")?)?;
    let (size, root) = (head.size(), *head.hash());
    let hashes = TileHashReader::new(size, root, &log);
    if tree_hash(size, &hashes)? != root {
        return Err("the tiles' root is not the checkpoint's".into());
    }
    let issuers = entries(&log, size, root, &hashes)?;
    let sizes = consistency(size, root, &hashes)?;
    for issuer in &issuers {
        let name: String = issuer.iter().map(|b| format!("{b:02x}")).collect();
        if Sha256::digest(log.get(&format!("issuer/{name}"))?)[..] != issuer[..] {
            return Err(format!("issuer {name}: other bytes").into());
        }
    }
    let issuers = issuers.len();
    println!("tilereader: {size} entries included, consistent from {sizes} sizes, {issuers} issuers");
    Ok(())
}
