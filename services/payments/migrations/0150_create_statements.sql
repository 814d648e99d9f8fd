-- migrate:up

-- Whose account a bank statement shows: one account has one source for ever, since identities hang on it.
create table payments.statement_source (
    id            int         generated always as identity primary key,
    name          text        not null constraint statement_source_name unique,
    account       text        not null,
    currency      text        not null,
    registered_at timestamptz not null,

    constraint statement_source_account unique (account, currency),
    constraint statement_source_not_ours check (name !~ '^(manual|edited)/')
);

-- The file as it came, byte for byte: the evidence. In pieces, so that one of a hundred megabytes is never whole in
-- anybody's memory.
create table payments.bank_file (
    id          bigint      generated always as identity primary key,
    sha256      bytea       not null constraint bank_file_once unique,
    format      text        not null,
    size_bytes  int         not null check (size_bytes > 0),
    uploaded_by text        not null,
    received_at timestamptz not null
);

create table payments.bank_file_piece (
    file_id  bigint not null references payments.bank_file,
    position int    not null check (position >= 0),
    content  bytea  not null,

    primary key (file_id, position)
);

create table payments.statement (
    id            bigint generated always as identity primary key,
    file_id       bigint not null references payments.bank_file,
    position      int    not null,
    source_id     int    not null references payments.statement_source,
    bank_id       text   not null,
    page          int    not null,
    line          int    not null,
    opening_minor bigint,
    closing_minor bigint,
    first_day     date,   -- by these days statements form a chain: yesterday's closing is today's opening
    last_day      date,
    problems      jsonb  not null,

    constraint statement_position unique (file_id, position)
);

create index statement_in_chain on payments.statement (source_id, last_day, first_day, id);

-- Every entry of every statement, as the bank showed it there. What is shown again stands here again; `published` marks
-- the one that was sent on as a payment.
create table payments.statement_entry (
    statement_id   bigint  not null references payments.statement,
    position       int     not null,
    source_id      int     not null references payments.statement_source,
    payment_id     text    not null,
    mark           text    not null check (mark in ('credit', 'debit')),
    kind           text    check (kind in ('credit', 'reversal')),
    amount_minor   bigint  not null check (amount_minor >= 0),
    currency       text    not null,
    booking_date   date,
    value_date     date,
    bank_reference text,
    end_to_end_id  text,
    uetr           text,
    reference      text,
    remittance     text,
    remitter_name  text,
    remitter_account text,
    method         text,
    reverses       text,
    original_found boolean not null,
    why_not        text,
    published      boolean not null,
    line           int     not null,

    primary key (statement_id, position),
    constraint statement_entry_posted check (
        why_not is not null
        or (kind is not null and amount_minor > 0 and value_date is not null
            and (kind = 'reversal') = (reverses is not null))
    ),
    constraint statement_entry_published check (not published or why_not is null)
);

create index statement_entry_published_identity on payments.statement_entry (source_id, payment_id) where published;
create index statement_entry_end_to_end on payments.statement_entry (source_id, end_to_end_id)
    where published and kind = 'credit' and end_to_end_id is not null;
create index statement_entry_uetr on payments.statement_entry (source_id, uetr)
    where published and kind = 'credit' and uetr is not null;

grant select, insert on payments.statement_source, payments.bank_file, payments.bank_file_piece, payments.statement,
                        payments.statement_entry to drawdown_payments;

-- migrate:down

drop table payments.statement_entry;
drop table payments.statement;
drop table payments.bank_file_piece;
drop table payments.bank_file;
drop table payments.statement_source;
