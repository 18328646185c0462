import { sealSecrets } from "../../adapters/stores/sealed-secrets.ts"
import { omitUndefined } from "../../core/defined-only.ts"
import type { HistoryCompacted } from "../../core/log/compaction.ts"
import type { EventEntry } from "../../core/log/entries.ts"
import type { PluginPorts, PluginServices } from "../../core/ports/plugin.ts"
import type { Schedules } from "../../core/ports/store/schedules.ts"
import type { Secrets } from "../../core/ports/store/secrets.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import { knowsUsers } from "../../http/options.ts"
import { findCompaction, readSuperseded } from "../../kernel/sessions/reading/plan-fold.ts"
import type { Storage } from "../../kernel/sessions/storage.ts"
import type { GatewayParts } from "../agent/agent.ts"
import { resolveSecretsKey } from "../options/secrets-key.ts"
import { packageVersion } from "../package-version.ts"
import { createPluginDirectory, createPluginRuns } from "./plugin-runs.ts"

/** Creates the services of an agent's plugins. Each plugin has its own secrets. */
export function createPluginServices(
  agent: string,
  { server, settings, isDefault, agentNames, store, storage, ...others }: GatewayParts,
): (plugin: string, ports: Partial<PluginPorts>) => PluginServices {
  return (plugin, ports) => ({
    agent,
    agents: agentNames,
    version: packageVersion,
    knowsUsers: knowsUsers(server),
    ports,
    checkSchema: others.checkSchema,
    clock: others.clock,
    ids: others.ids,
    logger: others.logger,
    stores: omitUndefined({
      schedules: store.schedules && limitSchedules(store.schedules, storage),
      memory: store.memory,
      contents: store.contents,
    }),
    runs: createPluginRuns({ plugin, agent, live: others.live }),
    directory: createPluginDirectory(agent, others.live),
    storeTime: () => store.log.now(),
    signal: others.closing,
    async openSecrets() {
      const { secretsKey: ownKey = settings.secretsKey } = server
      const key = await resolveSecretsKey({ store: server.store, ...omitUndefined({ secretsKey: ownKey }) })
      if (key === null) return null
      // The default agent has no scope, so that it keeps its secrets if the gateway gets a second agent.
      const scope = isDefault ? "" : `agent:${agent}:`
      return scopeSecrets(sealSecrets(store.secrets, key), `${scope}${plugin}:`)
    },
    lastCompaction: (sessionId) => findLastCompaction(store.log, sessionId),
    isKept: async (sessionId) => (await store.log.session(sessionId)) !== null,
    readEvents: (sessionId, afterSeq) => readEvents(store.log, sessionId, afterSeq),
  })
}

/** Limits schedules. Their messages count toward the storage of their owner, like those of clients. */
function limitSchedules(schedules: Schedules, storage: Storage): Schedules {
  return {
    ...schedules,
    async advance(step) {
      const { schedule, firing } = step
      if (firing === null) return schedules.advance(step)
      return schedules.advance({ ...step, firing: { ...firing, limits: await storage.limitsFor(schedule) } })
    },
  }
}

async function findLastCompaction(log: SessionLog, sessionId: string): Promise<HistoryCompacted | null> {
  const superseded = await readSuperseded(log, sessionId, Number.MAX_SAFE_INTEGER)
  const seq = await findCompaction(log, sessionId, superseded)
  if (seq === 0) return null
  const [entry] = await log.read(sessionId, { afterSeq: seq - 1, limit: 1, deltas: false })
  return entry?.kind === "event" && entry.event.type === "historyCompacted" ? entry.event : null
}

/** Maximum characters and entries of one read. */
const page = { limit: 500, maxCharacters: 500_000, deltas: false } as const

async function readEvents(
  log: SessionLog,
  sessionId: string,
  afterSeq: number,
): Promise<readonly EventEntry[]> {
  const entries = await log.read(sessionId, { ...page, afterSeq })
  return entries.flatMap((entry) => {
    if (entry.kind !== "event") return []
    const { event } = entry
    return event.type === "historyReplaced" ? { ...entry, event: { ...event, messages: [] } } : entry
  })
}

function scopeSecrets(secrets: Secrets, scope: string): Secrets {
  return {
    get: (name) => secrets.get(scope + name),
    put: (name, value) => secrets.put(scope + name, value),
    replace: (name, expected, value) => secrets.replace(scope + name, expected, value),
    remove: (name) => secrets.remove(scope + name),
  }
}
