import type * as Testing from "../../../src/testing/index.ts"

export interface HarnessOptions {
  /** Path of the Node program that runs the gateway. */
  readonly node: string
  /** Path of the command `agent-gateway`. */
  readonly program: string
  /** Path of the agent file. */
  readonly agent: string
  /** Folder of the gateway's data. */
  readonly cwd: string
  readonly testing: Pick<typeof Testing, "startScriptedUpstream" | "anthropicEvents">
  /** Folders of served scripts, by the first segment of their paths. */
  readonly folders: Readonly<Record<string, string>>
}

export interface Harness {
  readonly url: string
  close(): Promise<void>
}

export function startHarness(options: HarnessOptions): Promise<Harness>
