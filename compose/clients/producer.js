// Sends one message and leaves.
//
//   BROKERS=localhost:9092,localhost:9093 node producer.js
//
// Nothing here knows zbroker: it is what a Kafka introduction tells its reader to type.
const { Kafka } = require('kafkajs')

const kafka = new Kafka({
  clientId: 'my-app',
  brokers: (process.env.BROKERS || 'localhost:9092').split(','),
})

const topic = process.env.TOPIC || 'test-topic'

const run = async () => {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({
    topic,
    messages: [{ value: 'Hello Kafka World!' }],
  })
  await producer.disconnect()
}

run().catch((error) => {
  console.error(error)
  process.exit(1)
})
