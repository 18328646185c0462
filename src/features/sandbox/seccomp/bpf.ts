import { type ArgumentRule, type ArgumentTest, argumentRules, refusedCalls, unknownCall } from "./policy.ts"
import { listSystemCallNumbers, type Processor } from "./system-calls.ts"

/** One instruction of classic BPF. Jumps count instructions, starting with the next one. */
interface Instruction {
  readonly code: number
  readonly ifTrue: number
  readonly ifFalse: number
  readonly value: number
}

/** Constants of `linux/audit.h`: the processor of a call. */
const architectures: Record<Processor, number> = { x64: 0xc000_003e, arm64: 0xc000_00b7 }
/** On x64, calls of the x32 ABI have this bit in their number. */
const x32Bit = 0x4000_0000

/** Offsets in `struct seccomp_data`; both processors are little-endian. */
const numberOffset = 0
const architectureOffset = 4
const computeArgumentOffset = (argument: number) => 16 + 8 * argument

/** Constants of `linux/bpf_common.h`. */
const LOAD = 0x20
const AND = 0x54
const JUMP_IF_EQUAL = 0x15
const JUMP_IF_GREATER = 0x25
const JUMP_IF_GREATER_OR_EQUAL = 0x35
const RETURN = 0x06

/** Constants of `linux/seccomp.h`. */
const KILL_PROCESS = 0x8000_0000
const ERRNO = 0x0005_0000
const ALLOW = 0x7fff_0000

/**
 * Returns the policy as a program that the kernel runs before each system call, in the form for bubblewrap's
 * `--seccomp`: an array of `struct sock_filter`. https://docs.kernel.org/userspace-api/seccomp_filter.html
 */
export function createSeccompProgram(processor: Processor): Uint8Array {
  const numbers = listSystemCallNumbers(processor)
  return encode([
    load(architectureOffset),
    ...createUnless(JUMP_IF_EQUAL, architectures[processor], answer(KILL_PROCESS)),
    load(numberOffset),
    ...jumpUnless(JUMP_IF_GREATER_OR_EQUAL, x32Bit, answer(createRefusal(unknownCall))),
    ...[...Map.groupBy(argumentRules, ({ call }) => call)].flatMap(([call, rules]) =>
      createRulesBlock(numbers.get(call), rules),
    ),
    ...toRanges(listAllowedNumbers(numbers)).flatMap(([first, last]) => allowRange(first, last)),
    ...listRefusals(numbers).flatMap(([number, errno]) =>
      jumpUnless(JUMP_IF_EQUAL, number, answer(createRefusal(errno))),
    ),
    answer(createRefusal(unknownCall)),
  ])
}

/** Decides one call by its arguments, or continues after the block with the number still loaded. */
function createRulesBlock(number: number | undefined, rules: readonly ArgumentRule[]): Instruction[] {
  if (number === undefined) return []
  const tests = rules.flatMap(({ argument, allowedIf }) => [
    load(computeArgumentOffset(argument)),
    ...allowIf(allowedIf),
  ])
  const block = [...tests, answer(createRefusal(rules[0]?.otherwise ?? unknownCall))]
  return [jump(JUMP_IF_EQUAL, number, 0, block.length), ...block]
}

/** Allows the call if the loaded argument passes the test. Otherwise continues. */
function allowIf(test: ArgumentTest): Instruction[] {
  switch (test.type) {
    case "oneOf":
      return test.values.flatMap((value) => jumpUnless(JUMP_IF_EQUAL, value, answer(ALLOW)))
    case "noBitOf":
      return [
        { code: AND, ifTrue: 0, ifFalse: 0, value: test.mask },
        ...jumpUnless(JUMP_IF_EQUAL, 0, answer(ALLOW)),
      ]
    case "isNot":
      return createUnless(JUMP_IF_EQUAL, test.value, answer(ALLOW))
    default:
      return test satisfies never
  }
}

function listAllowedNumbers(numbers: ReadonlyMap<string, number>): number[] {
  const ruled = new Set(argumentRules.map(({ call }) => call))
  return [...numbers].flatMap(([name, number]) => (refusedCalls.has(name) || ruled.has(name) ? [] : [number]))
}

function listRefusals(numbers: ReadonlyMap<string, number>): [number, number][] {
  return [...refusedCalls].flatMap(([name, errno]) => {
    const number = numbers.get(name)
    return number === undefined ? [] : [[number, errno] as [number, number]]
  })
}

/** Returns the numbers as ranges, each with its first and last number. */
function toRanges(numbers: readonly number[]): [number, number][] {
  const runs: [number, number][] = []
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run !== undefined && number <= run[1] + 1) run[1] = number
    else runs.push([number, number])
  }
  return runs
}

function allowRange(first: number, last: number): Instruction[] {
  return [jump(JUMP_IF_GREATER_OR_EQUAL, first, 0, 2), jump(JUMP_IF_GREATER, last, 1, 0), answer(ALLOW)]
}

function jumpUnless(code: number, value: number, then: Instruction): Instruction[] {
  return [jump(code, value, 0, 1), then]
}

function createUnless(code: number, value: number, then: Instruction): Instruction[] {
  return [jump(code, value, 1, 0), then]
}

function load(offset: number): Instruction {
  return { code: LOAD, ifTrue: 0, ifFalse: 0, value: offset }
}

function jump(code: number, value: number, ifTrue: number, ifFalse: number): Instruction {
  return { code, ifTrue, ifFalse, value }
}

function answer(value: number): Instruction {
  return { code: RETURN, ifTrue: 0, ifFalse: 0, value }
}

function createRefusal(errno: number): number {
  return ERRNO | errno
}

function encode(instructions: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(instructions.length * 8))
  instructions.forEach(({ code, ifTrue, ifFalse, value }, index) => {
    view.setUint16(index * 8, code, true)
    view.setUint8(index * 8 + 2, ifTrue)
    view.setUint8(index * 8 + 3, ifFalse)
    view.setUint32(index * 8 + 4, value, true)
  })
  return new Uint8Array(view.buffer)
}
