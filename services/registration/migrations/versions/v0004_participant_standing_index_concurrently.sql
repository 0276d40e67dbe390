-- The audit counts all standings every few seconds. Reading only this index takes about a quarter of the CPU time of
-- reading the table. For 300,000 participants, the index took 0.12 s of CPU time and 29 MB, and the table took 0.43 s
-- and 212 MB.
drop index concurrently if exists participant_standing;
create index concurrently participant_standing on participant (region, agency, campaign, steps) where standing = 'registered';
