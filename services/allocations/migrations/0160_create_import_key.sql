-- migrate:up

-- What people called a thing before it came here: an import's own keys, so that later rows and files can refer to it.
-- `content` is a digest of all that the row said, so that the same row again is known from another one of its key.
create table allocations.import_key (
    kind        text        not null check (kind in ('fund', 'deal', 'allocation', 'call')),
    key         text        not null check (length(key) between 1 and 200),
    id          bigint      not null,
    content     bytea       not null check (length(content) = 16),
    dated_on    date,       -- the day that the row itself gives to what it tells of
    import_id   bytea       not null check (length(import_id) = 32), -- sha256 of the file
    row_number  bigint      not null check (row_number >= 1),
    recorded_at timestamptz not null,

    constraint import_key_once primary key (kind, key)
);

create trigger import_key_is_never_changed
    before update or delete or truncate on allocations.import_key
    execute function allocations.refuse('what a key stands for never changes');

grant select, insert on allocations.import_key to drawdown_allocations;

-- migrate:down

drop table allocations.import_key;
