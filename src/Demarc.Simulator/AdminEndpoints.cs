using System.Text;
using System.Text.Json;
using Demarc.Simulator.Logging;
using Demarc.Simulator.Management;
using Demarc.Simulator.Scripts;
using Microsoft.AspNetCore.Http;

namespace Demarc.Simulator;

/// <summary>
/// The simulator's own controls, never logged: <c>PUT</c> and <c>DELETE /simulator/script</c>,
/// <c>PUT /simulator/management</c>,
/// <c>GET /simulator/log?since=N</c> and <c>DELETE /simulator/log</c>.
/// </summary>
internal static class AdminEndpoints
{
    public static bool Owns(PathString path) => path.StartsWithSegments("/simulator", StringComparison.Ordinal);

    public static async Task AnswerAsync(HttpContext http, SimulatorLog log, SimulatorScript script, SimulatorManagement management)
    {
        switch (http.Request.Method, http.Request.Path.Value)
        {
            case ("PUT", "/simulator/script"):
                await SetAsync(http, json => script.SetJson(json));
                break;
            case ("PUT", "/simulator/management"):
                await SetAsync(http, json => management.SetJson(json));
                break;
            case ("DELETE", "/simulator/script"):
                script.Clear();
                http.Response.StatusCode = StatusCodes.Status204NoContent;
                break;
            case ("GET", "/simulator/log"):
                var since = long.TryParse(http.Request.Query["since"], out var number) ? number : 0;
                await WriteAsync(http, "application/json", LogJson.Write(log.Read(since)));
                break;
            case ("DELETE", "/simulator/log"):
                log.Clear();
                http.Response.StatusCode = StatusCodes.Status204NoContent;
                break;
            default:
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                break;
        }
    }

    private static async Task SetAsync(HttpContext http, Action<byte[]> set)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        try
        {
            set(body.ToArray());
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        catch (JsonException refused)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await WriteAsync(http, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(refused.Message));
        }
    }

    private static async Task WriteAsync(HttpContext http, string contentType, ReadOnlyMemory<byte> body)
    {
        http.Response.ContentType = contentType;
        http.Response.ContentLength = body.Length;
        await http.Response.BodyWriter.WriteAsync(body);
    }
}
