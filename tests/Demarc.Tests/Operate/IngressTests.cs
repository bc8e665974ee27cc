using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Tests.Commands;
using Demarc.Tests.Deploy;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Operate;

/// <summary>What <c>demarc doctor</c> finds of a real nginx before a gateway.</summary>
public sealed class IngressTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-ingress-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task As_the_chart_has_it_large_requests_and_single_events_come_through()
    {
        var annotations = Manifests.One(Manifests.Plain(), "Ingress")["metadata"]!["annotations"]!;

        var findings = await ExamineAsync(string.Concat(annotations.AsObject().Select(Directive)));

        Assert.Equal("good", findings["ingress"].Status);
        Assert.Equal(("good", "events arrive as they are written"), findings["buffering"]);
    }

    [Fact]
    public async Task As_nginx_has_it_by_itself_doctor_says_what_to_switch_off()
    {
        // It asks as HTTP 1.0, which has no chunks that it could pass on.
        var findings = await ExamineAsync("client_max_body_size 40m; proxy_http_version 1.0;");

        Assert.Equal("failed", findings["buffering"].Status);
        Assert.Contains("keeps answers", findings["buffering"].Detail, StringComparison.Ordinal);
        Assert.Equal("warning", findings["buffering (requests)"].Status);
        Assert.Equal("good", findings["ingress"].Status);
    }

    // What ingress-nginx makes of an annotation.
    private static string Directive(KeyValuePair<string, JsonNode?> annotation)
    {
        var (name, value) = (annotation.Key.Split('/')[1], (string)annotation.Value!);
        return name switch
        {
            "proxy-body-size" => $"client_max_body_size {value}; ",
            "proxy-read-timeout" or "proxy-send-timeout" => $"{name.Replace('-', '_')} {value}s; ",
            _ => $"{name.Replace('-', '_')} {value}; ",
        };
    }

    private async Task<Dictionary<string, (string Status, string Detail)>> ExamineAsync(string directives)
    {
        Component.Require(File.Exists("/usr/sbin/nginx"), "nginx is not installed (apt-get install nginx-light)");
        await using var gateway = await GatewayFixture.StartAsync("listen: 127.0.0.1:0\nresources: []\n");
        var port = Ports.Free();
        await File.WriteAllTextAsync(Path.Combine(_folder, "nginx.conf"), $$"""
            daemon off; pid {{_folder}}/pid; error_log {{_folder}}/error.log; {{(Environment.UserName == "root" ? "user root;" : "")}}
            events { }
            http {
              access_log off;
              client_body_temp_path {{_folder}}/body; proxy_temp_path {{_folder}}/proxy; fastcgi_temp_path {{_folder}}/f; uwsgi_temp_path {{_folder}}/u; scgi_temp_path {{_folder}}/s;
              server { listen 127.0.0.1:{{port}}; location / { proxy_pass {{gateway.Url}}; {{directives}} } }
            }
            """, Stop);
        await File.WriteAllTextAsync(Path.Combine(_folder, "demarc.yaml"), $"public_url: http://127.0.0.1:{port}\n", Stop);
        using var nginx = Process.Start(new ProcessStartInfo("/usr/sbin/nginx", ["-p", _folder, "-e", "stderr", "-c", Path.Combine(_folder, "nginx.conf")]))!;
        try
        {
            await Ports.AnswersAsync(port, nginx);
            var result = await DemarcCommand.RunAsync(_folder, "doctor", "--config", "demarc.yaml", "--data", "data", "--json");
            return JsonSerializer.Deserialize<JsonElement>(result.Output).EnumerateArray()
                .Where(f => f.GetProperty("check").GetString() is "ingress" or "buffering")
                .ToDictionary(f => f.GetProperty("check").GetString() + f.GetProperty("subject").GetString()!["127.0.0.1".Length..], f => (f.GetProperty("status").GetString()!, f.GetProperty("detail").GetString()!));
        }
        finally
        {
            nginx.Kill(entireProcessTree: true);
            await nginx.WaitForExitAsync(CancellationToken.None);
        }
    }
}
