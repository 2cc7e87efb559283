defmodule Beamjoin.MixProject do
  use Mix.Project

  @version "0.1.0"

  def project do
    [
      app: :beamjoin,
      version: @version,
      elixir: "~> 1.14",
      description: "A distributed supervisor over Elixir nodes and beamjoin's TypeScript nodes",
      start_permanent: Mix.env() == :prod,
      package: [licenses: ["MIT"], links: %{}],
      deps: []
    ]
  end

  def application do
    [mod: {Beamjoin.Application, []}]
  end
end
