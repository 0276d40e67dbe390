-- `retried_since` is the start of the current series of attempts. It is null before the first attempt, and after
-- an operator has replayed the message. `next_recipient` is the channel that got the alerts of a message that was
-- given up: `official:governor/2`, or `official:governor/webhook:control-room`.
-- The lane of a call is the webhook, for all recipients that get alerts through it.
drop index message_open;
alter table message
    drop column lane,
    drop constraint message_state_check,
    add column retried_since timestamptz,
    add column next_recipient text;
alter table message
    add column lane text not null generated always as (
        case channel when 'webhook' then regexp_replace(recipient, '^.*/', '') else channel end) stored,
    add constraint message_state_check check (
        state in ('intent', 'held', 'sending', 'retry', 'delivered', 'dead', 'unconfirmed', 'discarded'));
create index message_open on message (lane, due_at) where ended_at is null;

-- Messages that are in retry have begun their series with their first attempt.
update message
   set retried_since = (select min(started_at) from attempt where message_id = message.id)
 where ended_at is null;
