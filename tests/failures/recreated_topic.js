// One kafkajs client that outlives its topic: a line X of its input is sent, and what its
// consumer gets is printed as `got X`.
const { Kafka, logLevel } = require('kafkajs')
const readline = require('readline')

const kafka = new Kafka({
  clientId: 'recreated',
  brokers: process.env.BROKERS.split(','),
  logLevel: logLevel.NOTHING,
  retry: { retries: 100, maxRetryTime: 1000 },
})
const topic = process.env.TOPIC
const producer = kafka.producer({ metadataMaxAge: 1000, allowAutoTopicCreation: false })
const consumer = kafka.consumer({ groupId: topic, metadataMaxAge: 1000 })

const send = async (value) => {
  for (;;) {
    try {
      return await producer.send({ topic, acks: -1, messages: [{ value }] })
    } catch (error) {
      console.log(`again: ${error.message}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

const run = async () => {
  await producer.connect()
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => console.log(`got ${message.value.toString()}`),
  })
  readline.createInterface({ input: process.stdin }).on('line', async (line) => {
    await send(line)
    console.log(`sent ${line}`)
  })
  console.log('ready')
}

run().catch((error) => {
  console.error(error)
  process.exit(1)
})
