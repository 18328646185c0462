import { toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import { computeFingerprint } from "./load/fingerprint.ts"
import { loadSkills } from "./load/load-skills.ts"
import type { SkillMistake, SkillSet } from "./skill.ts"

/** The skills on disk for starting runs. A run keeps the set that it started with. */
export interface SkillSource {
  /** Resolves to the current skills. Never rejects. If they cannot be read, the last ones are used. */
  current(): Promise<SkillSet>
}

export interface SkillSourceOptions {
  readonly folders: readonly string[]
  /** Returns mistakes that the loader cannot find. */
  readonly check: (set: SkillSet) => readonly SkillMistake[]
  readonly logger: Logger
}

/**
 * After a check of the folders, no further check follows for this many times its duration, so that many runs do not
 * keep the disk busy.
 */
const restFactor = 10
/** Maximum number of logged mistakes of one load. */
const maxLogged = 20

/** Loads the skills. Rejects with a `ConfigurationError` if a folder cannot be listed. */
export async function openSkillSource(options: SkillSourceOptions): Promise<SkillSource> {
  const { folders, logger } = options
  let fingerprint = await computeFingerprint(folders)
  let set = await load(options)
  let restsUntil = 0
  let looking: Promise<void> | null = null

  async function look(): Promise<void> {
    const startedAt = performance.now()
    try {
      // The fingerprint is taken before the load, so that the next check notices a change during it.
      const found = await computeFingerprint(folders)
      if (found !== fingerprint) {
        set = await load(options)
        fingerprint = found
        logger.info({ skills: set.skills.length, mistakes: set.mistakes.length }, "The skills were reloaded.")
      }
    } catch (error) {
      logger.warn(
        { error: toError(error) },
        "The skills cannot be read. Runs continue with those that were read before.",
      )
    }
    const endedAt = performance.now()
    restsUntil = endedAt + restFactor * (endedAt - startedAt)
    looking = null
  }

  return {
    async current() {
      if (performance.now() >= restsUntil) looking ??= look()
      await looking
      return set
    },
  }
}

async function load({ folders, check, logger }: SkillSourceOptions): Promise<SkillSet> {
  const loaded = await loadSkills(folders)
  const mistakes = [...loaded.mistakes, ...check(loaded)]
  for (const mistake of mistakes.slice(0, maxLogged)) {
    const { file, field, rule, remedy } = mistake
    logger.warn({ file, field, rule, remedy }, "A skill has a mistake.")
  }
  if (mistakes.length > maxLogged) {
    logger.warn(
      { mistakes: mistakes.length - maxLogged },
      "Further skills have mistakes. `agent-gateway doctor` lists them.",
    )
  }
  return { skills: loaded.skills, mistakes }
}
