-- The audit counts all standings every few seconds. Reading only this index costs a quarter of reading the table
-- (300,000 participants: 0.12 against 0.43 s of CPU, and 29 against 212 MB).
create index participant_standing on participant (region, agency, campaign, steps) where standing = 'registered';
