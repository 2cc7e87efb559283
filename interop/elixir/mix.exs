defmodule Beamjoin.MixProject do
  use Mix.Project

  @version "0.1.0"

  def project do
    [
      app: :beamjoin,
      version: @version,
      elixir: "~> 1.14",
      description: "Finds the supervised children of beamjoin's TypeScript nodes by name",
      start_permanent: Mix.env() == :prod,
      package: [licenses: ["MIT"], links: %{}],
      deps: []
    ]
  end

  def application do
    [mod: {Beamjoin.Application, []}]
  end
end
