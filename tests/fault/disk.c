#include "tests/fault/disk.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512
#define PAGE_SECTORS 8
#define FILES_MAX 4096
#define NAMES_MAX 4096

struct version {
    struct version *older;
    uint64_t seq;
    uint8_t b[SECTOR];
};

struct size_change {
    uint64_t seq, size;
};

struct file {
    uint64_t inode;
    uint8_t *synced; /* sectors * SECTOR bytes, zero beyond synced_size */
    struct version **newest;
    size_t sectors;
    uint64_t synced_size, size;
    struct size_change *changes;
    size_t change_count;
    size_t *dirty; /* sectors with versions */
    size_t dirty_count, dirty_cap;
};

struct name {
    char *path;
    size_t file;
};

struct names {
    struct name at[NAMES_MAX];
    size_t n;
};

/* A change of names that may not have reached the disk: from and to NULL where there is none. */
struct move {
    uint64_t seq;
    char *from, *to;
    size_t file;
    bool made; /* the name is new, and so is the file */
};

struct disk {
    char top[PATH_MAX];
    struct file file[FILES_MAX];
    size_t files;
    struct {
        uint64_t inode;
        char *path;
    } dir[FILES_MAX];
    size_t dirs;
    struct names synced, now;
    struct move move[NAMES_MAX];
    size_t moves;
};

static void *
grow(void *p, size_t n)
{
    void *q = realloc(p, n == 0 ? 1 : n);
    if (q == NULL) {
        perror("replay");
        exit(2);
    }
    return q;
}

/* ---- names ---- */

static struct name *
names_find(struct names *t, const char *path)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->at[i].path, path) == 0)
            return &t->at[i];
    return NULL;
}

static void
names_remove(struct names *t, const char *path)
{
    struct name *found = names_find(t, path);
    if (found == NULL)
        return;
    free(found->path);
    *found = t->at[--t->n];
}

static void
names_set(struct names *t, const char *path, size_t file)
{
    names_remove(t, path);
    if (t->n == NAMES_MAX)
        abort();
    t->at[t->n++] = (struct name){strdup(path), file};
}

static void
names_apply(struct names *t, const struct move *m)
{
    if (m->from != NULL)
        names_remove(t, m->from);
    if (m->to != NULL)
        names_set(t, m->to, m->file);
}

static void
names_free(struct names *t)
{
    while (t->n > 0)
        free(t->at[--t->n].path);
}

static bool
within(const char *path, const char *dir)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && strlen(dir) == (size_t)(slash - path) &&
           strncmp(path, dir, (size_t)(slash - path)) == 0;
}

/* The moves chosen by (file and new) or by directory become sure, if they were made before began.
 */
static void
settle(struct disk *d, uint64_t began, size_t file, const char *dir)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->moves; i++) {
        struct move m = d->move[i];
        const char *at = m.to != NULL ? m.to : m.from;
        bool sure = m.seq < began && (dir != NULL ? within(at, dir) : m.made && m.file == file);
        if (!sure) {
            d->move[kept++] = m;
            continue;
        }
        names_apply(&d->synced, &m);
        free(m.from);
        free(m.to);
    }
    d->moves = kept;
}

static void
add_move(struct disk *d, struct move m)
{
    if (d->moves == NAMES_MAX)
        abort();
    names_apply(&d->now, &m);
    d->move[d->moves++] = m;
}

/* ---- bytes ---- */

static void
fit(struct file *f, uint64_t size)
{
    size_t need = (size_t)((size + SECTOR - 1) / SECTOR);
    if (need <= f->sectors)
        return;
    size_t sectors = need + need / 2 + 64;
    f->synced = grow(f->synced, sectors * SECTOR);
    f->newest = grow(f->newest, sectors * sizeof(*f->newest));
    memset(f->synced + f->sectors * SECTOR, 0, (sectors - f->sectors) * SECTOR);
    memset(f->newest + f->sectors, 0, (sectors - f->sectors) * sizeof(*f->newest));
    f->sectors = sectors;
}

static void
set_size(struct file *f, uint64_t seq, uint64_t size)
{
    if (size == f->size)
        return;
    f->size = size;
    f->changes = grow(f->changes, (f->change_count + 1) * sizeof *f->changes);
    f->changes[f->change_count++] = (struct size_change){seq, size};
}

/* A version of sector s with n bytes from p at offset at; p NULL: zeros. */
static void
put(struct file *f, uint64_t seq, size_t s, size_t at, const uint8_t *p, size_t n)
{
    struct version *v = grow(NULL, sizeof *v);
    struct version *before = f->newest[s];
    memcpy(v->b, before != NULL ? before->b : f->synced + s * SECTOR, SECTOR);
    if (p != NULL)
        memcpy(v->b + at, p, n);
    else
        memset(v->b + at, 0, n);
    v->seq = seq;
    v->older = before;
    f->newest[s] = v;
    if (before != NULL)
        return;
    if (f->dirty_count == f->dirty_cap) {
        f->dirty_cap = f->dirty_cap * 2 + 256;
        f->dirty = grow(f->dirty, f->dirty_cap * sizeof *f->dirty);
    }
    f->dirty[f->dirty_count++] = s;
}

/* Calls put for each sector of the range; p NULL: zeros. */
static void
put_range(struct file *f, uint64_t seq, uint64_t at, const uint8_t *p, uint64_t n)
{
    fit(f, at + n);
    while (n > 0) {
        size_t within_sector = (size_t)(at % SECTOR);
        size_t take = SECTOR - within_sector < n ? SECTOR - within_sector : (size_t)n;
        put(f, seq, (size_t)(at / SECTOR), within_sector, p, take);
        if (p != NULL)
            p += take;
        at += take;
        n -= take;
    }
}

static void
free_versions(struct version *v)
{
    while (v != NULL) {
        struct version *older = v->older;
        free(v);
        v = older;
    }
}

/* The newest version older than record began is on the disk; true when none newer is left. */
static bool
sync_sector(struct file *f, size_t s, uint64_t began)
{
    struct version **link = &f->newest[s];
    while (*link != NULL && (*link)->seq >= began)
        link = &(*link)->older;
    if (*link != NULL) {
        memcpy(f->synced + s * SECTOR, (*link)->b, SECTOR);
        free_versions(*link);
        *link = NULL;
    }
    return f->newest[s] == NULL;
}

static void
sync_file(struct file *f, uint64_t began)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->dirty_count; i++)
        if (!sync_sector(f, f->dirty[i], began))
            f->dirty[kept++] = f->dirty[i];
    f->dirty_count = kept;
    kept = 0;
    for (size_t i = 0; i < f->change_count; i++)
        if (f->changes[i].seq < began)
            f->synced_size = f->changes[i].size;
        else
            f->changes[kept++] = f->changes[i];
    f->change_count = kept;
}

/* Only the sectors of the range, as an O_DSYNC write does; the size grows to hold them. */
static void
sync_range(struct file *f, uint64_t at, uint64_t n)
{
    size_t first = (size_t)(at / SECTOR), end = (size_t)((at + n + SECTOR - 1) / SECTOR);
    size_t kept = 0;
    for (size_t i = 0; i < f->dirty_count; i++) {
        size_t s = f->dirty[i];
        if (s < first || s >= end || !sync_sector(f, s, UINT64_MAX))
            f->dirty[kept++] = s;
    }
    f->dirty_count = kept;
    if (f->synced_size < at + n)
        f->synced_size = at + n;
}

static void
set_length(struct file *f, uint64_t seq, uint64_t size)
{
    if (size < f->size)
        put_range(f, seq, size, NULL, f->size - size);
    fit(f, size);
    set_size(f, seq, size);
}

/* ---- records ---- */

static struct file *
by_inode(struct disk *d, uint64_t inode)
{
    for (size_t i = d->files; i-- > 0;)
        if (d->file[i].inode == inode)
            return &d->file[i];
    return NULL;
}

static void
apply_open(struct disk *d, uint64_t seq, const struct pc_record *r, char *path)
{
    struct name *known = names_find(&d->now, path);
    if (known != NULL && r->a != 1) {
        d->file[known->file].inode = r->file;
        if (r->a == 2)
            set_length(&d->file[known->file], seq, 0);
        return;
    }
    if (r->a != 1) { /* neither made nor known: a directory */
        if (d->dirs == FILES_MAX)
            abort();
        d->dir[d->dirs].inode = r->file;
        d->dir[d->dirs++].path = strdup(path);
        return;
    }
    if (d->files == FILES_MAX)
        abort();
    d->file[d->files].inode = r->file;
    add_move(d, (struct move){.seq = seq, .to = strdup(path), .file = d->files++, .made = true});
}

static void
apply_sync(struct disk *d, const struct pc_record *r)
{
    for (size_t i = d->dirs; i-- > 0;)
        if (d->dir[i].inode == r->file) {
            settle(d, r->a, 0, d->dir[i].path);
            return;
        }
    struct file *f = by_inode(d, r->file);
    if (f == NULL)
        return;
    sync_file(f, r->a);
    settle(d, r->a, (size_t)(f - d->file), NULL);
}

static bool
apply_write(struct disk *d, uint64_t seq, const struct pc_record *r, const uint8_t *data)
{
    struct file *f = by_inode(d, r->file);
    if (f == NULL)
        return false;
    put_range(f, seq, r->a, data, r->n);
    if (f->size < r->a + r->n)
        set_size(f, seq, r->a + r->n);
    if (r->b != 0)
        sync_range(f, r->a, r->n);
    return true;
}

bool
disk_apply(struct disk *d, uint64_t seq, const struct pc_record *r, const uint8_t *data)
{
    char *text = grow(NULL, (size_t)r->n + 1);
    bool ok = true;
    struct file *f;
    struct name *known;
    memcpy(text, data, r->n);
    text[r->n] = 0;
    switch ((enum pc_kind)r->kind) {
    case PC_OPEN:
        apply_open(d, seq, r, text);
        break;
    case PC_WRITE:
        ok = apply_write(d, seq, r, data);
        break;
    case PC_SIZE:
        f = by_inode(d, r->file);
        ok = f != NULL;
        if (ok)
            set_length(f, seq, r->a);
        break;
    case PC_SYNC:
        apply_sync(d, r);
        break;
    case PC_RENAME:
        known = names_find(&d->now, text);
        ok = known != NULL;
        if (ok)
            add_move(d, (struct move){seq, strdup(text), strdup(text + strlen(text) + 1),
                                      known->file, false});
        break;
    case PC_UNLINK:
        add_move(d, (struct move){.seq = seq, .from = strdup(text)});
        break;
    case PC_ANSWER:
        break;
    default:
        ok = false;
    }
    free(text);
    return ok;
}

/* ---- the cut ---- */

static uint64_t
draw(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A version of the sector at random, as a moment: 0 is the synced one. */
static uint64_t
draw_moment(const struct version *v, uint64_t *state)
{
    uint64_t n = 1;
    for (const struct version *i = v; i != NULL; i = i->older)
        n++;
    uint64_t k = draw(state) % n;
    while (v != NULL && k-- > 0)
        v = v->older;
    return v == NULL ? 0 : v->seq + 1;
}

/* Lays over image what the sector held before that moment; true when that is not the synced
 * version. */
static bool
lay(const struct file *f, size_t s, uint64_t moment, uint8_t *image)
{
    const struct version *v = f->newest[s];
    while (v != NULL && v->seq >= moment)
        v = v->older;
    if (v != NULL)
        memcpy(image + s * SECTOR, v->b, SECTOR);
    return v != NULL;
}

/* The bytes that are left of f, in image (f->sectors * SECTOR); returns its size. */
static uint64_t
settle_bytes(const struct file *f, enum disk_keep keep, bool pages, uint64_t *state, uint8_t *image)
{
    uint64_t size = f->synced_size;
    uint64_t page_key = draw(state);
    memcpy(image, f->synced, f->sectors * SECTOR);
    if (keep == DISK_NONE)
        return size;
    for (size_t i = 0; i < f->dirty_count; i++) {
        size_t s = f->dirty[i];
        uint64_t moment = UINT64_MAX;
        if (keep == DISK_TORN && pages) {
            /* One moment for the eight sectors: drawn from the page's number, so that all find the
             * same. */
            uint64_t of_page = page_key ^ (s / PAGE_SECTORS * UINT64_C(0x2545f4914f6cdd1d));
            size_t first = s / PAGE_SECTORS * PAGE_SECTORS, k = first;
            while (k < first + PAGE_SECTORS && f->newest[k] == NULL)
                k++;
            moment = draw_moment(f->newest[k], &of_page);
        } else if (keep == DISK_TORN) {
            moment = draw_moment(f->newest[s], state);
        }
        if (lay(f, s, moment, image) && size < (s + 1) * SECTOR)
            size = (s + 1) * SECTOR;
    }
    if (keep == DISK_ALL || draw(state) % 2 == 0 || size > f->size)
        size = f->size;
    return size;
}

static bool
make_parents(char *path)
{
    for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = 0;
        (void)mkdir(path, 0700);
        *p = '/';
    }
    return true;
}

static bool
write_file(const struct file *f, char *path, enum disk_keep keep, bool pages, uint64_t *state)
{
    uint8_t *image = grow(NULL, f->sectors * SECTOR);
    uint64_t size = f->sectors == 0 ? 0 : settle_bytes(f, keep, pages, state, image);
    make_parents(path);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    bool ok = fd >= 0;
    for (uint64_t at = 0; ok && at < size;) {
        ssize_t n = write(fd, image + at, (size_t)(size - at));
        ok = n > 0;
        at += ok ? (uint64_t)n : 0;
    }
    if (fd >= 0)
        close(fd);
    free(image);
    return ok;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind;
    return ftw->level == 0 ? 0 : remove(path);
}

bool
disk_cut(const struct disk *d, enum disk_keep keep, uint64_t seed)
{
    static struct names left;
    uint64_t state = seed;
    bool pages = draw(&state) % 2 == 0, ok = true;
    names_free(&left);
    for (size_t i = 0; i < d->synced.n; i++)
        names_set(&left, d->synced.at[i].path, d->synced.at[i].file);
    for (size_t i = 0; i < d->moves; i++)
        if (keep == DISK_ALL || (keep == DISK_TORN && draw(&state) % 2 == 0))
            names_apply(&left, &d->move[i]);
    (void)nftw(d->top, remove_one, 64, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; ok && i < left.n; i++)
        ok = write_file(&d->file[left.at[i].file], left.at[i].path, keep, pages, &state);
    if (!ok)
        perror("replay: writing the cut disk");
    return ok;
}

/* ---- the base ---- */

static struct disk *loading;
static size_t loading_prefix;

static int
load_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    char name[2 * PATH_MAX];
    (void)ftw;
    if (kind != FTW_F)
        return 0;
    if (loading->files == FILES_MAX)
        return -1;
    struct file *f = &loading->file[loading->files];
    size_t size = (size_t)st->st_size;
    fit(f, size);
    f->size = f->synced_size = size;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && (size == 0 || read(fd, f->synced, size) == (ssize_t)size);
    if (fd >= 0)
        close(fd);
    snprintf(name, sizeof name, "%s%s", loading->top, path + loading_prefix);
    names_set(&loading->synced, name, loading->files);
    names_set(&loading->now, name, loading->files++);
    return ok ? 0 : -1;
}

struct disk *
disk_load(const char *base, const char *top)
{
    struct disk *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    snprintf(d->top, sizeof d->top, "%s", top);
    loading = d;
    loading_prefix = strlen(base);
    if (nftw(base, load_one, 64, FTW_PHYS) == 0)
        return d;
    disk_free(d);
    return NULL;
}

void
disk_free(struct disk *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->files; i++) {
        for (size_t k = 0; k < d->file[i].dirty_count; k++)
            free_versions(d->file[i].newest[d->file[i].dirty[k]]);
        free(d->file[i].synced);
        free(d->file[i].newest);
        free(d->file[i].changes);
        free(d->file[i].dirty);
    }
    for (size_t i = 0; i < d->dirs; i++)
        free(d->dir[i].path);
    for (size_t i = 0; i < d->moves; i++) {
        free(d->move[i].from);
        free(d->move[i].to);
    }
    names_free(&d->synced);
    names_free(&d->now);
    free(d);
}
