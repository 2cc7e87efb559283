/**
 * What a peer runs to evaluate code: the companion programs of interop/companion, read from their sources and handed to
 * the peer through its standard input. So a peer in a chroot needs no file of ours.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const INTEROP = fileURLToPath(new URL('../', import.meta.url))

/** How to start a companion: arguments of `elixir` or `erl`, and the first line for its standard input. */
export interface Companion {
  readonly program: 'elixir' | 'erl'
  readonly args: readonly string[]
  readonly firstLine: string
}

/** Each bootstrap takes one line of base64 and runs the source in it; the source takes over standard input then. */
const ELIXIR_BOOT = 'IO.read(:stdio, :line) |> String.trim() |> Base.decode64!() |> Code.eval_string()'
const ERLANG_BOOT = `${erlangLoader()} (Load(base64:decode_to_string(string:trim(io:get_line(""))))):run().`

/** Erlang code that binds `Load` to a fun that compiles and loads a module without macros; ends in a comma. */
export function erlangLoader(): string {
  return [
    'Split = fun F(Ts, Fs) -> case lists:splitwith(fun(T) -> element(1, T) =/= dot end, Ts) of',
    '{_, []} -> lists:reverse(Fs);',
    '{Ts1, [Dot | Rest]} -> {ok, Form} = erl_parse:parse_form(Ts1 ++ [Dot]), F(Rest, [Form | Fs]) end end,',
    'Load = fun(Source) -> {ok, Tokens, _} = erl_scan:string(Source),',
    '{ok, Module, Binary} = compile:forms(Split(Tokens, [])),',
    '{module, Module} = code:load_binary(Module, "companion", Binary), Module end,',
  ].join(' ')
}

export function companionFor(elixir: boolean): Companion {
  return elixir
    ? {
        program: 'elixir',
        args: ['--no-halt', '-e', ELIXIR_BOOT],
        firstLine: base64(readFileSync(`${INTEROP}companion/companion.exs`, 'utf8')),
      }
    : {
        program: 'erl',
        args: ['-noshell', '-eval', ERLANG_BOOT],
        firstLine: base64(readFileSync(`${INTEROP}companion/beamjoin_companion.erl`, 'utf8')),
      }
}

export function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
