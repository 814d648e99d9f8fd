-- migrate:up

-- Who looks after a hold, since when. That it was another one before stands in the audit.
alter table payments.hold add column owner text;
alter table payments.hold add column owned_since timestamptz;

-- Why money went where a person applied it: the rule, what met what, and the candidates that were refused.
alter table payments.resolution add column explanation jsonb;

-- What one remitter's payments have in common: the account, or, where that is not known, the name without case, spaces
-- and punctuation; 0 where neither is known. As a number, since nearly every payment has it in an index: two remitters
-- that share one by chance would share a hint to a person, and nothing else.
create function payments.remitter_key(account_hash bytea, name text) returns bigint
    language sql immutable parallel safe
    return coalesce(hashtextextended(encode(account_hash, 'hex'), 0),
                    hashtextextended(translate(lower(name), ' .,;:-_/&''"()', ''), 0),
                    0);

grant update (owner, owned_since) on payments.hold to drawdown_payments;

-- migrate:down

drop function payments.remitter_key(bytea, text);
alter table payments.resolution drop column explanation;
alter table payments.hold drop column owned_since;
alter table payments.hold drop column owner;
