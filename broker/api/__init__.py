"""From a request to its answer: one module an API, each with a `handle`.

    async def handle(broker: Broker, context: RequestContext, request: FooRequest) -> FooResponse

`broker` is everything there is to work with, `context` says who asks and in
which version, `request` and the answer are messages of `broker.wire.messages`.
A handler turns failures into the error codes of its answer, for the part of the
request that they concern; it raises only for a defect.

Those that are no APIs:

    dispatch        finds the handler, by the API's name; asks who may object before it
    context         who asks, through which listener, in which version; what he may
    throttling      what a request has cost its client, and how long he is to be quiet
    permissions     which permission each API needs
    control_requests            the fences that the controller's three requests pass
    group_services, transaction_services   what the coordinators' handlers need of the broker
    produced_transactions       of a Produce request's transactional records: which may enter
    current_leader              where a client should have asked (KIP-951)

What is served is what `broker.wire.apis.API_TABLE` lists; `dispatch` finds the
handler by the API's name. A request for any other API closes the connection, as
Kafka does.
"""
