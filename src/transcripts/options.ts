import { z } from "zod"
import { declareOptions } from "../options/declare-options.ts"

export interface TranscriptOptions {
  /**
   * Directory for transcripts: the events of each session as JSON lines, in a file of its own that is rotated at 10
   * MB. Created if it is missing; files are readable by their owner only. Default: no transcripts.
   */
  readonly transcriptDir?: string
}

export const transcriptOptions = declareOptions<TranscriptOptions>()({
  transcriptDir: z.string().min(1).optional(),
})
