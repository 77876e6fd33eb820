/*
 * Whole chains in the shape of the S/MIME Baseline Requirements, as files.
 *
 * Eight profiles x eight kinds of CA keys x {final, precertificate, precertificate through a
 * signing certificate} x {one address, four, none, SmtpUTF8Mailbox}: 768 combinations.  Leaves
 * carry what CAs put into them: subject per profile (7.1.4.2), keyUsage (7.1.2.3 e),
 * extendedKeyUsage (f), policies (a), SAN, AKI, SKI, CRL distribution point and AIA.  The seed
 * decides serial numbers, names and the order of combinations; keys are new every time.
 */
#ifndef TESTS_MINT_CHAINS_H
#define TESTS_MINT_CHAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All combinations once. */
#define MINT_CHAINS 768

/*
 * Writes to directory dir, which is there:
 *
 *   roots.pem                    the eight roots
 *   chain-NNNN-DESCRIPTION.pem   leaf first; every second one with its root
 *   INDEX.tsv                    file, profile, CA key, kind, addresses
 *
 * Addresses have commas between them; "-" stands for none.  Of count chains each has another
 * combination, mixed; beyond MINT_CHAINS they repeat with other leaves.  False, with a line on
 * stderr, when a file cannot be written.
 */
bool mint_chains(const char *dir, uint64_t seed, size_t count);

#endif
