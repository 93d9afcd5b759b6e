"""The messages: one file an API, its request and response as tables of fields.

Read a table from top to bottom and you have the order of the bytes; the words are explained in
`broker.wire.schema`.  A file's docstring says what the API is for and what changes with the
version, above all where the same field means something else.

* Field names are Kafka's in snake case, structs have Kafka's names too.  Where request and response
  both have a struct of one name, ours are told apart by a prefix: `RequestTopicData`.
* Not every version has every field: the range says which.  In the others a reader leaves the
  default, and a writer drops the value if it is `ignorable`, otherwise refuses it.
* `error_code` 0 is success; `throttle_time_ms` is how long the client is asked to keep quiet.
* Three files hold no API: `offsets_topic` and `transactions_topic`, what is stored in
  `__consumer_offsets` and `__transaction_state`, and `consumer_protocol`, what consumers put into a
  group's opaque bytes.

The tables are checked field by field against the message definitions in the real kafka-clients jar.
"""
