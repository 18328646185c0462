import { measureFirstToken } from "./measure/first-token.ts"
const probes = Number(process.argv[2] ?? 40)
const rounds = Number(process.argv[3] ?? 1)
for (let i=0;i<rounds;i++){
const r = await measureFirstToken({ warmUpRounds: 40, probes, bursts: 0, streams: [50] })
for (const x of r) console.log(x.streams, "joining", Object.entries(x.joining).map(([k,v])=>`${k} ${v.p50.toFixed(2)}/${v.p95.toFixed(2)}`).join("  "), "adds", (x.joining.gateway.p50-x.joining.upstream.p50).toFixed(2))
}
