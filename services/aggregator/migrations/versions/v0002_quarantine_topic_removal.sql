alter table quarantine drop column told;  -- and with it the index quarantine_untold
drop table outbox_record, outbox;
delete from lease where name = 'quarantine';
