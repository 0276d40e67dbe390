-- name: commit_barrier()$
-- Commits after everything that this session has read, and returns when the server started, which identifies it. The
-- log reaches standbys in order: a standby that has this commit has all commits before it. The commit waits for the
-- standby whatever the role's `synchronous_commit` is. Without a synchronous standby the statement writes nothing.
select pg_postmaster_start_time() as started_at,
       case when current_setting('synchronous_standby_names') <> ''
            then concat(set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'barrier', ''))
       end as barrier;
