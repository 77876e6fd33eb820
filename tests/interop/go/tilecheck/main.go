// Tilecheck reads a log's checkpoint and tiles with the Go checksum database's own code and checks all of it:
// both signatures, every tile, every entry's inclusion, consistency from many earlier sizes, every issuer.
//
//	tilecheck -url http://HOST:PORT -policy FILE
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type reader struct {
	url   string
	tiles map[string][]byte
}

func (r *reader) get(path string) ([]byte, error) {
	answer, err := http.Get(r.url + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, answer.Status, body)
	}
	return body, err
}

func (r *reader) Height() int                     { return height }
func (r *reader) SaveTiles([]tlog.Tile, [][]byte) {}
func (r *reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		// The checksum database says tile/8/L/N where static-ct-api says tile/L/N.
		path := "/" + strings.Replace(t.Path(), "tile/8/", "tile/", 1)
		if r.tiles[path] == nil {
			data, err := r.get(path)
			if err != nil {
				return nil, err
			}
			r.tiles[path] = data
		}
		all = append(all, r.tiles[path])
	}
	return all, nil
}

// rfc6962 verifies the 0x05 note signature of static-ct-api: an RFC 6962 tree head signature with its timestamp.
type rfc6962 struct {
	name string
	id   [32]byte
	key  *ecdsa.PublicKey
}

func (v *rfc6962) Name() string { return v.name }
func (v *rfc6962) KeyHash() uint32 {
	sum := sha256.Sum256(append([]byte(v.name+"\n\x05"), v.id[:]...))
	return binary.BigEndian.Uint32(sum[:])
}
func (v *rfc6962) Verify(msg, sig []byte) bool {
	size, root, err := parseCheckpoint(string(msg))
	// timestamp, then hash sha256(4), signature ecdsa(3), a two-byte length
	if err != nil || len(sig) < 12 || sig[8] != 4 || sig[9] != 3 {
		return false
	}
	if int(binary.BigEndian.Uint16(sig[10:])) != len(sig)-12 {
		return false
	}
	head := append([]byte{0, 1}, sig[:8]...)
	head = binary.BigEndian.AppendUint64(head, uint64(size))
	sum := sha256.Sum256(append(head, root[:]...))
	return ecdsa.VerifyASN1(v.key, sum[:], sig[12:])
}

func parseCheckpoint(text string) (size int64, root tlog.Hash, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return 0, root, errors.New("checkpoint: not three lines")
	}
	if size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return 0, root, err
	}
	root, err = tlog.ParseHash(lines[2])
	return size, root, err
}

// policy gives both verifiers: "log VKEY URL" and "#cartulary ct-key ORIGIN BASE64".
func policy(path string) (note.Verifier, *rfc6962, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var ed note.Verifier
	var ct *rfc6962
	for _, line := range strings.Split(string(text), "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) >= 2 && f[0] == "log":
			if ed, err = note.NewVerifier(f[1]); err != nil {
				return nil, nil, err
			}
		case len(f) == 4 && f[0] == "#cartulary" && f[1] == "ct-key":
			der, err := base64.StdEncoding.DecodeString(f[3])
			if err != nil {
				return nil, nil, err
			}
			key, err := x509.ParsePKIXPublicKey(der)
			if err != nil {
				return nil, nil, err
			}
			ct = &rfc6962{f[2], sha256.Sum256(der), key.(*ecdsa.PublicKey)}
		}
	}
	if ed == nil || ct == nil {
		return nil, nil, errors.New(path + ": names no log with both keys")
	}
	return ed, ct, nil
}

// take cuts a vector with a length of n bytes off the front.
func take(p *[]byte, n int) []byte {
	length := 0
	for _, b := range (*p)[:n] {
		length = length<<8 | int(b)
	}
	v := (*p)[n : n+length]
	*p = (*p)[n+length:]
	return v
}

// entry cuts one TileLeaf off the front: the Merkle tree leaf, and its issuers' fingerprints.
func entry(p *[]byte) (leaf []byte, issuers []byte) {
	start := *p
	kind := binary.BigEndian.Uint16((*p)[8:])
	*p = (*p)[10:]
	if kind == 1 {
		*p = (*p)[32:]
	}
	take(p, 3)
	extensions := take(p, 2)
	if len(extensions) != 8 {
		log.Fatalf("extensions of %d bytes", len(extensions))
	}
	leaf = append([]byte{0, 0}, start[:len(start)-len(*p)]...)
	if kind == 1 {
		take(p, 3)
	}
	return leaf, take(p, 2)
}

func main() {
	url := flag.String("url", "", "where the log is")
	file := flag.String("policy", "", "the log's policy file")
	flag.Parse()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	ed, ct, err := policy(*file)
	check(err)
	r := &reader{strings.TrimSuffix(*url, "/"), map[string][]byte{}}
	message, err := r.get("/checkpoint")
	check(err)
	opened, err := note.Open(message, note.VerifierList(ed, ct))
	check(err)
	if len(opened.Sigs) != 2 {
		log.Fatalf("checkpoint: %d signatures verified, of 2", len(opened.Sigs))
	}
	if !strings.HasPrefix(opened.Text, ct.name+"\n") {
		log.Fatalf("checkpoint: the first line is not the origin %s", ct.name)
	}
	size, root, err := parseCheckpoint(opened.Text)
	check(err)
	hashes := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, r)

	issuers := map[[32]byte]bool{}
	for start := int64(0); start < size; start += 256 {
		width := min(size-start, 256)
		tile := tlog.Tile{H: height, L: -1, N: start / 256, W: int(width)}
		data, err := r.get("/" + strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		check(err)
		for i := start; i < start+width; i++ {
			leaf, chain := entry(&data)
			index := leaf[len(leaf)-5:]
			if !bytes.Equal(index, binary.BigEndian.AppendUint64(nil, uint64(i))[3:]) {
				log.Fatalf("entry %d says index %x", i, index)
			}
			proof, err := tlog.ProveRecord(size, i, hashes)
			check(err)
			check(tlog.CheckRecord(proof, size, root, i, tlog.RecordHash(leaf)))
			for ; len(chain) > 0; chain = chain[32:] {
				issuers[[32]byte(chain)] = true
			}
		}
		if len(data) != 0 {
			log.Fatalf("data tile %d: %d bytes left over", start/256, len(data))
		}
	}
	sizes := 0
	for old := int64(1); old <= size; old += 1 + old/16 {
		oldRoot, err := tlog.TreeHash(old, hashes)
		check(err)
		proof, err := tlog.ProveTree(size, old, hashes)
		check(err)
		check(tlog.CheckTree(proof, size, root, old, oldRoot))
		sizes++
	}
	for issuer := range issuers {
		der, err := r.get(fmt.Sprintf("/issuer/%x", issuer))
		check(err)
		if sha256.Sum256(der) != issuer {
			log.Fatalf("issuer %x: other bytes", issuer)
		}
	}
	fmt.Printf("tilecheck: %d entries included, consistent from %d sizes, %d issuers, both signatures good\n",
		size, sizes, len(issuers))
}
