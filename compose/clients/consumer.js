// Prints each message of the topic, from its beginning, until Ctrl-C.
//
//   BROKERS=localhost:9092,localhost:9093 node consumer.js
//
// Nothing here knows zbroker: it is what a Kafka introduction tells its reader to type.
const { Kafka } = require('kafkajs')

const kafka = new Kafka({
  clientId: 'my-app',
  brokers: (process.env.BROKERS || 'localhost:9092').split(','),
})

const topic = process.env.TOPIC || 'test-topic'
const consumer = kafka.consumer({ groupId: process.env.GROUP || 'test-group' })

const run = async () => {
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      console.log(message.value.toString())
    },
  })
}

run().catch((error) => {
  console.error(error)
  process.exit(1)
})

// Leaving the group on the way out frees its partitions at once; without it the coordinator
// waits for the session timeout before it hands them to somebody else.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await consumer.disconnect()
    process.exit(0)
  })
}
