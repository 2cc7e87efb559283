# The tests start more nodes, so this one has to be in the distribution. The BEAM's own epmd is enough, and one that
# runs already (ERL_EPMD_PORT says where) is used as it is.
{_output, 0} = System.cmd("epmd", ["-daemon"], stderr_to_stdout: true)
node = :"beamjoin_test_#{System.pid()}@127.0.0.1"
{:ok, _pid} = :net_kernel.start(node, %{name_domain: :longnames})

ExUnit.start()
