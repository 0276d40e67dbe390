"""The surface that clients, dashboards and operators rely on: recorded once, compared after each change.

`compare` takes seconds: the OpenAPI document and routes of each service, its metrics (name, type, labels,
buckets) and its settings (variable, type with limits, default). Prose and names of classes are left out, but
not operation ids and names of components, which generated clients use.

`compare --full` takes about a minute: it also starts a real broker, database and all services, sends the
operations of one seed through them, and compares each service's schema, the topics with their partitions, the
statuses of the answers, and the records of each topic. Ids, times, offsets, cuts and terms are replaced.
Events are listed by participant, `region-minutes` are summed over the minutes; of `region-counts` only the
last full and the last heart-beat are kept.

`record` overwrites the recordings: the change to `recorded/` then shows what a commit does to the surface.
"""
