// A member of a consumer group that says what it does, one JSON document a line:
//   {"consumed": [partition, first offset, last offset]}    before it may be committed
//   {"committed": [partition, offset]}                      after the coordinator has agreed
//   {"crashed": why}                                        it gave up, and starts anew if it can
const { Kafka, logLevel } = require('kafkajs')

const kafka = new Kafka({ brokers: process.env.BROKERS.split(','), logLevel: logLevel.NOTHING })
const consumer = kafka.consumer({ groupId: process.env.GROUP })

const say = (event) => console.log(JSON.stringify(event))

consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
  for (const { partitions } of payload.topics) {
    for (const { partition, offset } of partitions) say({ committed: [Number(partition), Number(offset)] })
  }
})

consumer.on(consumer.events.CRASH, ({ payload }) => say({ crashed: String(payload.error) }))

const run = async () => {
  await consumer.connect()
  await consumer.subscribe({ topic: process.env.TOPIC, fromBeginning: true })
  await consumer.run({
    eachBatch: async ({ batch }) => {
      say({ consumed: [batch.partition, Number(batch.firstOffset()), Number(batch.lastOffset())] })
    },
  })
}

run().catch((error) => {
  console.error(error)
  process.exit(1)
})
