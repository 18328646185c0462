import type * as Testing from "../../../src/testing/index.ts"

export interface HarnessOptions {
  /** Node that runs the gateway. */
  readonly node: string
  /** The file of the command `agent-gateway`. */
  readonly program: string
  /** The file of the agent. */
  readonly agent: string
  /** Folder of the gateway's data. */
  readonly cwd: string
  readonly testing: Pick<typeof Testing, "startScriptedUpstream" | "anthropicEvents">
  /** Folders of scripts that are served, by the first part of their paths. */
  readonly folders: Readonly<Record<string, string>>
}

export interface Harness {
  readonly url: string
  close(): Promise<void>
}

export function startHarness(options: HarnessOptions): Promise<Harness>
