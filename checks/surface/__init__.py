"""Records the surface that clients, dashboards and operators use, and compares it with the recordings.

`compare` takes seconds. It compares each service's OpenAPI document and routes, its metrics (name, type,
labels, buckets) and its settings (variable, type with limits, default). It also compares the AsyncAPI
document and the JSON schemas. Descriptions and class names are left out; operation ids and component names
are compared, because generated clients use them.

`compare --full` takes about a minute. It also starts a real broker, database and all services, and sends them
a series of operations that is generated from a fixed seed. It compares each service's database schema, the
topics with their partitions, the statuses of the responses, and the records of each topic. Ids, times,
offsets, cuts and terms are replaced by placeholders. Events are sorted by participant, and the records of
`region-minutes` are summed over the minutes. Of `region-counts` only the last full record (all its parts) and
the last change record are kept.

Both commands refuse a change that breaks clients of a recorded HTTP interface or topic, unless the document
has a new major version: see `compatibility`.

`record` overwrites the recordings, so the diff of `recorded/` shows what a commit changes on the surface.
"""
