-- After a silence, one letter has the alerts of all held e-mails of an official. The others are `merged` into it.
-- `is_repeat`: an earlier attempt was ambiguous, so the recipient may get a repeat.
alter table message
    drop constraint message_state_check,
    add column merged_into uuid references message,
    add column is_repeat boolean not null default false,
    add constraint message_state_check check (
        state in ('intent', 'held', 'sending', 'retry', 'delivered', 'dead', 'unconfirmed', 'discarded', 'merged'));
create index message_merged_into on message (merged_into) where merged_into is not null;

update message
   set is_repeat = true
 where state not in ('delivered', 'discarded')
   and exists (select from attempt where message_id = message.id and attempt.reason = 'ambiguous');

-- A webhook that answered 410 Gone to a message. It is not called until an operator enables it.
create table disabled_webhook (
    lane        text primary key,
    message_id  uuid not null references message,
    disabled_at timestamptz not null default now()
);
