-- The tables that one set-based statement fills: the dedupe key of the product, and its totals.
create table source (
    id int generated always as identity primary key,
    name text not null unique
);

create table call (
    id bigint primary key,
    allocation_id bigint not null,
    amount_minor bigint not null,
    paid_minor bigint not null default 0,
    version int not null default 1,
    constraint call_is_not_over_paid check (paid_minor between 0 and amount_minor)
) with (fillfactor = 70);

create table allocation (
    id bigint primary key,
    fund_id bigint not null,
    funded_minor bigint not null default 0,
    version int not null default 1
) with (fillfactor = 70);

create table fund_total (
    fund_id bigint primary key,
    funded_minor bigint not null default 0
) with (fillfactor = 50);

create table payment (
    id bigint not null,
    source_id int not null,
    payment_id text not null,
    kind text not null,
    amount_minor bigint not null,
    call_id bigint not null,
    reverses text,
    value_date date not null,
    primary key (source_id, payment_id)
);

-- Rows as they came, in their order; not logged, as a staging table is.
create unlogged table staged (
    id bigint not null,
    source text not null,
    payment_id text not null,
    kind text not null,
    amount_minor bigint not null,
    call_id bigint not null,
    reverses text,
    value_date date not null
);

-- The sum so far of the amounts that fit whole, in order: what a call with this much room takes.
create function fitting_step(so_far bigint, amount bigint, room bigint) returns bigint
    language plpgsql immutable parallel safe as
$$
begin
    if so_far + amount <= room then
        return so_far + amount;
    end if;
    return so_far;
end
$$;

create aggregate fitting(amount bigint, room bigint) (
    sfunc = fitting_step, stype = bigint, initcond = '0', parallel = safe
);
