import { toError } from "../core/errors.ts"
import type { Logger } from "../core/ports/logger.ts"
import { fingerprintOf } from "./load/fingerprint.ts"
import { loadSkills } from "./load/load-skills.ts"
import type { SkillMistake, SkillSet } from "./skill.ts"

/** The skills on disk, for runs that start. A run keeps the set that it started with. */
export interface SkillSource {
  /** Resolves to the skills as they are now. Never rejects: if they cannot be read, the last ones stay. */
  current(): Promise<SkillSet>
}

export interface SkillSourceOptions {
  readonly folders: readonly string[]
  /** Adds mistakes that the loader does not know of. */
  readonly check: (set: SkillSet) => readonly SkillMistake[]
  readonly logger: Logger
}

/**
 * A look at the folders is not repeated for this many times its own duration, so that many runs do not keep the disk
 * busy.
 */
const restFactor = 10
/** Mistakes that are logged of one load. */
const maxLogged = 20

/** Loads the skills. Rejects with a `ConfigurationError` if a folder cannot be listed. */
export async function openSkillSource(options: SkillSourceOptions): Promise<SkillSource> {
  const { folders, logger } = options
  let fingerprint = await fingerprintOf(folders)
  let set = await load(options)
  let restsUntil = 0
  let looking: Promise<void> | null = null

  async function look(): Promise<void> {
    const startedAt = performance.now()
    try {
      // Before the load, so that a change during it is seen by the next look.
      const found = await fingerprintOf(folders)
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
