using System.CommandLine;
using Demarc.Commands;

var root = new RootCommand("Demarc: a gateway and control plane for Claude that decides, enforces, records and proves where each request runs.")
{
    ServeCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
