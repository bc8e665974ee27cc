using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace Demarc.Control.Receipts;

/// <summary>
/// A receipt that others can check: <c>{"format","key","payload","signature"}</c>. Signed are the payload's bytes as they
/// stand in the file; the signature is base64 of an ECDSA signature (P-256, SHA-256, DER).
/// </summary>
public static class SignedReceipt
{
    public const string Format = "demarc-receipt-1";

    public static byte[] Sign(byte[] payload, SigningKey key)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteString("key", key.Id);
            json.WritePropertyName("payload");
            json.WriteRawValue(payload, skipInputValidation: true);
            json.WriteBase64String("signature", key.Sign(payload));
            json.WriteEndObject();
        }
        return output.ToArray();
    }

    /// <summary>Why a file does not prove what it says; null when it does.</summary>
    /// <param name="publicKey">PEM.</param>
    /// <param name="payload">The receipt, when it holds.</param>
    public static string? Problem(byte[] file, string publicKey, out JsonElement payload)
    {
        payload = default;
        using var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(publicKey);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return "the public key is no PEM of an EC public key";
        }
        try
        {
            var read = JsonElement.Parse(file);
            if (read.ValueKind != JsonValueKind.Object || !read.TryGetProperty("format", out var format) || !format.ValueEquals(Format))
                return $"this is no receipt of the format {Format}";
            if (read.EnumerateObject().Count() != 4)
                return "fields were added to or taken from the file";
            if (!read.GetProperty("key").ValueEquals(SigningKey.IdOf(key)))
                return "another key signed it, or the key's id was changed";
            var signed = read.GetProperty("payload");
            if (!key.VerifyData(JsonMarshal.GetRawUtf8Value(signed), read.GetProperty("signature").GetBytesFromBase64(), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence))
                return "the signature does not hold: the receipt was changed";
            payload = signed;
            return null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or CryptographicException)
        {
            return "the file is damaged";
        }
    }
}
