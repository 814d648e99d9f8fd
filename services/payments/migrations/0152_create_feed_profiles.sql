-- migrate:up

-- How one bank writes its CSV. What a file was once read by stays as it was: a change is a new version.
create table payments.feed_profile (
    name       text        not null check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    version    int         not null check (version >= 1),
    definition jsonb       not null check (jsonb_typeof(definition) = 'object'),
    created_by text        not null,
    created_at timestamptz not null,

    primary key (name, version)
);

grant select, insert on payments.feed_profile to drawdown_payments;

-- migrate:down

drop table payments.feed_profile;
