// js-ipfs without a network: `node daemon.mjs REPO` prints the address of its interface once it is ready.
import { create } from 'ipfs-core'
import { HttpApi } from 'ipfs-http-server'

const ipfs = await create({
  repo: process.argv[2],
  offline: true,
  silent: true,
  preload: { enabled: false },
  init: { emptyRepo: true },
  config: {
    Addresses: { API: '/ip4/127.0.0.1/tcp/0', Gateway: '', RPC: '', Swarm: [], Delegates: [] },
    Bootstrap: [],
    Discovery: { MDNS: { Enabled: false }, webRTCStar: { Enabled: false } },
    Pubsub: { Enabled: false }
  }
})
const api = new HttpApi(ipfs)
await api.start()
console.log(`${api._apiServers[0].info.ma}`)

process.on('SIGTERM', async () => {
  await api.stop()
  await ipfs.stop()
  process.exit(0)
})
