/*
 * The key directory in its own protocol: KEYTRANS requests and answers as bytes (FORMATS.md, "The
 * directory").  One endpoint each, one body.
 */
#include "api/http/api.h"
#include "merkle/base/codec.h"

/* What no answer about an address may lack; and how an answer that is none leaves. */
static void
answer(struct exchange *x, unsigned status)
{
    x->reply = (struct reply){.status = status,
                              .type = REPLY_OCTETS,
                              .cache = REPLY_NO_STORE,
                              .cors = x->route->cors,
                              .discreet = true,
                              .body = buf_span(&x->out)};
    exchange_done(x);
}

static void
ask(struct exchange *x, enum directory_ask what)
{
    struct directory_reader *reader = api_directory(x);
    enum result r;

    if (reader == NULL)
        return;
    r = directory_answer(reader, what, x->rq->body, &x->out);
    if (r == RES_OK) {
        x->why = RES_OK;
        answer(x, 200);
    } else if ((r == RES_KT_NO_LABEL || r == RES_ERASED) && x->out.n > 0) {
        x->why = r;
        answer(x, r == RES_ERASED ? 410 : 404);
    } else {
        exchange_refuse(x, r, NULL);
    }
}

void
directory_search(struct exchange *x)
{
    ask(x, DIRECTORY_SEARCH);
}

void
directory_contact_monitor(struct exchange *x)
{
    ask(x, DIRECTORY_CONTACT_MONITOR);
}

void
directory_owner_init(struct exchange *x)
{
    ask(x, DIRECTORY_OWNER_INIT);
}

void
directory_owner_monitor(struct exchange *x)
{
    ask(x, DIRECTORY_OWNER_MONITOR);
}

void
directory_update(struct exchange *x)
{
    ask(x, DIRECTORY_UPDATE);
}

void
directory_distinguished(struct exchange *x)
{
    ask(x, DIRECTORY_DISTINGUISHED);
}

void
directory_credential_update(struct exchange *x)
{
    ask(x, DIRECTORY_CREDENTIAL_UPDATE);
}

void
directory_as_of(struct exchange *x)
{
    ask(x, DIRECTORY_AS_OF);
}

void
directory_configuration(struct exchange *x)
{
    struct directory *d = log_directory(api_of(x)->log);
    struct writer w = writer_to(&x->out);
    enum result r = d == NULL ? RES_HTTP_NOT_FOUND : RES_OK;

    if (r == RES_OK) {
        kt_config_put(&w, directory_config(d));
        r = writer_end(&w);
    }
    if (r == RES_OK)
        exchange_ok(x, REPLY_OCTETS, REPLY_DAY, buf_span(&x->out));
    else
        exchange_refuse(x, r, NULL);
}
