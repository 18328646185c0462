import type { Plugin, PluginRun, PluginServices, RunParts } from "../../core/ports/plugin.ts"
import { createAgentSkills, findStatefulSkill } from "./agent-skills.ts"
import { isListed, writeCatalog } from "./catalog.ts"
import { checkSkills, findMissingParts } from "./check-skills.ts"
import { listLoadedInstructions, writeChangeNotes } from "./loaded-notes.ts"
import { createSessionSkills, type SessionSkills } from "./loaded-skills.ts"
import type { SkillOptions } from "./options.ts"
import type { Skill, SkillSet } from "./skill.ts"
import { dependsOnLoaded, judgeCall } from "./skill-interceptor.ts"
import { openSkillSource } from "./skill-source.ts"
import { createStateSubscriber } from "./state/save-updates.ts"
import { SkillStateStore } from "./state/skill-state-store.ts"
import { writeStateNote } from "./state/state-note.ts"
import { loadSkillTool, unloadSkillTool } from "./tools/load-skill.ts"
import { readSkillFileTool } from "./tools/read-skill-file.ts"
import { runSkillScriptTool } from "./tools/run-skill-script.ts"
import { searchSkillsTool } from "./tools/search-skills.ts"

/** Maximum bytes of one page of a skill's file. */
const maxPageBytes = 50_000
/** Bytes of a result in addition to the page. */
const headerBytes = 1_500

/** Creates the plugin that gives an agent the skills of one or more folders. */
export function skillsPlugin(options: SkillOptions & Required<Pick<SkillOptions, "skillsDir">>): Plugin {
  const { skillsDir, skillToolPacks: packs = {}, skillStateFile } = options
  const folders = typeof skillsDir === "string" ? [skillsDir] : skillsDir
  return {
    name: "skills",
    // A skill's scripts run in the sandbox.
    after: ["code_execution"],
    async setup(services) {
      const source = await openSkillSource({
        folders,
        check: (set) => findMissingParts(set, { packs, hasState: skillStateFile !== undefined }),
        logger: services.logger,
      })
      const sessionSkills = createSessionSkills(services.readEvents)
      const state = skillStateFile === undefined ? null : new SkillStateStore(skillStateFile)
      const parts = { options, services, sessionSkills, state }
      return {
        provides: { agentSkills: createAgentSkills(source, packs) },
        openRun: async (run) => runParts(parts, run, await source.current()),
        ...(state !== null && {
          subscriber: createStateSubscriber({
            ...{ state, sessionSkills, source },
            readEvents: services.readEvents,
            logger: services.logger,
          }),
        }),
        checks: async (audience) => [checkSkills(await source.current(), audience)],
      }
    },
  }
}

interface Parts {
  readonly options: SkillOptions
  readonly services: PluginServices
  readonly sessionSkills: SessionSkills
  readonly state: SkillStateStore | null
}

async function runParts(
  { options, services, sessionSkills, state }: Parts,
  { session, role, signal, maxToolResultBytes }: PluginRun,
  set: SkillSet,
): Promise<RunParts> {
  const { skillToolPacks: packs = {}, skillsExcludedTools = [] } = options
  const skills = new Map(set.skills.map((skill) => [skill.name, skill]))
  const loaded = session === null ? [] : await sessionSkills(session.id, { signal })
  const notes = [...writeChangeNotes(loaded, skills)]
  if (skills.size === 0 && loaded.length === 0) return {}
  const pageBytes = Math.max(200, Math.min(maxPageBytes, maxToolResultBytes - headerBytes))
  const runner = services.ports.codeRunner
  const tools = [
    loadSkillTool({ skills, packs, state, maxResultBytes: maxToolResultBytes }),
    unloadSkillTool(),
    readSkillFileTool({ skills, pageBytes }),
    ...(isListed(set.skills) ? [] : [searchSkillsTool(skills)]),
    ...(runner !== undefined && set.skills.some(hasFiles)
      ? [runSkillScriptTool({ skills, runner, maxResultBytes: maxToolResultBytes })]
      : []),
  ]
  const catalog = writeCatalog(set.skills)
  const worksBy = state === null ? null : findStatefulSkill(set, role)
  if (state !== null && worksBy !== null) {
    notes.push(await writeStateNote(worksBy.name, { state, logger: services.logger }))
  }
  return {
    tools: () => tools,
    async compactionNotes({ signal: stop }) {
      if (session === null) return []
      return listLoadedInstructions(await sessionSkills(session.id, { signal: stop }), skills, pageBytes)
    },
    instructions: [...(catalog === null ? [] : [catalog]), ...notes],
    interceptors: [
      async (call) => {
        if (!dependsOnLoaded(call)) return { action: "allow" }
        const now = await sessionSkills(call.session.id, { signal: call.signal })
        return judgeCall(now, skillsExcludedTools, call)
      },
    ],
  }
}

function hasFiles({ files }: Skill): boolean {
  return files.length > 0
}
